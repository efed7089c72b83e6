// faults.mjs - the fault matrix of the fleet, in the form of ../faults/faults.mjs.
// SPDX-License-Identifier: Apache-2.0
import { cableFaults } from './cables.mjs';
import { changeFaults } from './changes.mjs';
import { lossFaults } from './losses.mjs';

export const faults = [...cableFaults, ...lossFaults, ...changeFaults];
