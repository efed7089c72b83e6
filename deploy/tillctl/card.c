/* card.c - gift cards and their ledgers (schema/functions/operators/card_state_set.sql).
 * SPDX-License-Identifier: Apache-2.0 */
#include "deploy/tillctl/things.h"

static const struct tillctl_option options[] = {
    { "amount", "25.00", "how much; of a hand-back, all that is left when it is not given" },
    { "number", "TEXT", "its number; a new one that nobody can guess" },
    { "expires", "DATE", "the last day on which it is good; never" },
    { "purchased-by", "TEXT", "who has paid for it" },
    { "recipient", "TEXT", "whose it is" },
    { "email", "TEXT", "of the recipient" },
    { "order", "TEXT", "the order that it is for" },
    { "to", "TEXT", "the number of the new card; one that nobody can guess" },
    { "reason", "TEXT", "why; it stands in the ledger" },
};

#define CHANGE(what)                                                                           \
    "select s.* from pos.card_state_set(:slug, :card, '" what "', :reason) c(card),"           \
    " pos.card_shown(:slug, c.card) s"

#define CALL(what, path, members)                                                              \
    "select s.* from pos.operator_call(:slug, 'gift_card_" what "',"                           \
    " jsonb_build_object('cardNumber', :card::text) || " path ","                              \
    " json_strip_nulls(json_build_object(" members "))) a(body),"                              \
    " pos.card_shown(:slug, :card) s"

static const struct tillctl_command commands[] = {
    { .verb = "issue",
      .words = "SLUG",
      .options = "amount! number expires purchased-by recipient email",
      .about = "a new one",
      .sql = "select s.* from pos.operator_call(:slug, 'gift_card_issue', '{}',"
             " json_strip_nulls(json_build_object('initialBalance', :amount, 'cardNumber', "
             ":number, 'expiryDate', :expires, 'purchasedBy', :purchased-by,"
             " 'recipientName', :recipient, 'recipientEmail', :email))) a(body),"
             " pos.card_shown(:slug, a.body #>> '{giftCard,cardNumber}') s",
      .answer = TILLCTL_RECORD },
    { .verb = "show",
      .words = "SLUG CARD",
      .about = "what is on it, and whether it is good",
      .sql = "select * from pos.card_shown(:slug, :card)",
      .answer = TILLCTL_RECORD },
    { .verb = "ledger",
      .words = "SLUG CARD",
      .about = "each of its entries, the oldest first",
      .sql = "select * from pos.card_entries(:slug, :card)",
      .answer = TILLCTL_TABLE },
    { .verb = "reload",
      .words = "SLUG CARD",
      .options = "amount! order",
      .about = "put more on it",
      .sql = CALL("reload", "'{}'", "'amount', :amount, 'orderId', :order"),
      .answer = TILLCTL_RECORD },
    { .verb = "refund",
      .words = "SLUG CARD",
      .options = "amount! order! reason!",
      .about = "credit for a return whose sale is not at hand",
      .sql = CALL("refund", "'{}'", "'amount', :amount, 'orderId', :order, 'reason', :reason"),
      .answer = TILLCTL_RECORD },
    { .verb = "reverse",
      .words = "SLUG CARD ENTRY",
      .options = "amount reason!",
      .about = "take back a deduct, a reload or a refund: ENTRY is its id in the ledger",
      .sql = CALL("void", "jsonb_build_object('id', :entry::text)",
                  "'amount', :amount, 'reason', :reason"),
      .answer = TILLCTL_RECORD },
    { .verb = "transfer",
      .words = "SLUG CARD",
      .options = "to reason!",
      .about = "a lost one: what it has moves to a new number, and it is closed",
      .sql = "select s.* from pos.operator_call(:slug, 'gift_card_transfer',"
             " jsonb_build_object('cardNumber', :card::text),"
             " json_strip_nulls(json_build_object('to', :to, 'reason', :reason))) a(body),"
             " pos.card_shown(:slug, a.body ->> 'cardNumber') s",
      .answer = TILLCTL_RECORD },
    { .verb = "freeze",
      .words = "SLUG CARD",
      .options = "reason!",
      .about = "nobody can pay with it until it is unfrozen",
      .sql = CHANGE("freeze"),
      .answer = TILLCTL_RECORD },
    { .verb = "unfreeze",
      .words = "SLUG CARD",
      .options = "reason!",
      .about = "it is good again",
      .sql = CHANGE("unfreeze"),
      .answer = TILLCTL_RECORD },
    { .verb = "void",
      .words = "SLUG CARD",
      .options = "reason!",
      .about = "close it for good: what is on it is lost",
      .sql = CHANGE("void"),
      .answer = TILLCTL_RECORD },
};

const struct tillctl_thing tillctl_card = {
    .name = "card",
    .about = "gift cards",
    TILLCTL_COMMANDS(commands),
    TILLCTL_OPTIONS(options),
};
