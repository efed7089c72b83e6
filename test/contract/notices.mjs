// notices.mjs - that the checks of answers and messages notice what is wrong: what fits passes, and each thing that does not fit is
// said. Prints what was not noticed; fails if there is anything.
// SPDX-License-Identifier: Apache-2.0
import { Answers } from './answers.mjs';
import { Messages } from './messages.mjs';

const shown = '"cardNumber":"1","balance":5.00,"status":"active","expiryDate":null';
const headers = { 'content-type': 'application/json', 'x-request-id': '1' };
const more = ',"held":0.00,"available":5.00';
const url = '/api/kitchen/gift-cards/1/balance';
const good = { method: 'GET', url, status: 200, headers, text: `{"success":true,${shown},"data":{${shown}}${more}}` };
const refused = {
    method: 'GET', url, status: 404, headers,
    text: '{"success":false,"error":{"code":"CARD_NOT_FOUND","message":"No.","help":"/docs/errors#CARD_NOT_FOUND"},"message":"No."}',
};
const created = {
    method: 'POST', url: '/api/kitchen/customers', status: 201, headers, sent: '{"phone":"1","name":"A"}',
    text: '{"success":true,"customer":{"id":1,"customerId":1,"phone":"1","name":"A","email":null,"loyaltyPoints":0,"totalSpent":0.00,"createdAt":"2026-01-05T18:00:00.000Z"}}',
};
const pong = { dialect: 'orderweb', way: 'to', name: 'pong', message: { type: 'pong', timestamp: '2026-01-05T18:00:00.000Z' } };
const changed = (record, from, to) => ({ ...record, text: record.text.replaceAll(from, to) });

const answers = new Answers();
const messages = new Messages();
let failures = 0;
function look(held, what, record, isGood) {
    held.faults.clear();
    held.add(record);
    if (held.faults.size > 0 !== isGood) return;
    failures += 1;
    console.log(`not as wanted: ${what}: ${[...held.faults.keys()].join('; ') || 'nothing is said'}`);
}

look(answers, 'an answer that fits', good, true);
look(answers, 'a refusal that fits', refused, true);
look(answers, 'a request that fits', created, true);
look(messages, 'a message that fits', pong, true);
look(answers, 'an amount that is a text', changed(good, '5.00', '"5.00"'), false);
look(answers, 'a member that the contract does not have', changed(good, '"balance"', '"more":1,"balance"'), false);
look(answers, 'a member that is missing', changed(good, '"balance":5.00,', ''), false);
look(answers, 'an answer without the name of its request', { ...good, headers: { 'content-type': 'application/json' } }, false);
look(answers, 'a status that the operation does not have', { ...good, status: 202 }, false);
look(answers, 'an address that the contract does not have', { ...good, url: '/api/kitchen/cards' }, false);
look(answers, 'an unknown code', changed(refused, 'CARD_NOT_FOUND', 'CARD_NOT_THERE'), false);
look(answers, 'a code of another operation', changed(refused, 'CARD_NOT_FOUND', 'ORDER_NOT_FOUND'), false);
look(answers, 'a code with another status', { ...refused, status: 400 }, false);
look(answers, 'a refusal without help', changed(refused, ',"help":"/docs/errors#CARD_NOT_FOUND"', ''), false);
look(answers, 'help that leads elsewhere', changed(refused, '#CARD_NOT_FOUND', '#CARD_EXPIRED'), false);
look(answers, 'a body that was taken and does not fit', { ...created, sent: '{"phone":1}' }, false);
look(messages, 'a time in another form', { ...pong, message: { type: 'pong', timestamp: '2026-01-05T18:00:00Z' } }, false);
look(messages, 'a message that the contract does not have', { ...pong, name: 'pang' }, false);
process.exitCode = failures > 0 ? 1 : 0;
