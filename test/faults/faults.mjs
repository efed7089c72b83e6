// faults.mjs - the fault matrix. An entry injects a fault, holds it for a while under load, heals it,
// and reports in `note` what it saw; the oracle then judges the effects.
//
//   id, what    row of the matrix          bound   what the matrix requires; printed, not asserted
//   run         (world, random) => {note, faults: how many were injected, skipped: why, took: ms}
//   weight      how often it is drawn in the long form; `once`: it runs only once there too;
//               `isLast`: and after all others
// SPDX-License-Identifier: Apache-2.0
import { brokerFaults } from './broker.mjs';
import { databaseFaults } from './database.mjs';
import { failoverFaults } from './failover.mjs';
import { operatorFaults } from './operators.mjs';
import { kills } from './kill.mjs';
import { limitFaults } from './limits.mjs';
import { networkFaults } from './network.mjs';

export const faults = [...kills, ...brokerFaults, ...databaseFaults, ...failoverFaults, ...networkFaults, ...limitFaults, ...operatorFaults];
