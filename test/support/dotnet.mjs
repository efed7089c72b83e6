// dotnet.mjs - a reader as strict as .NET's System.Text.Json: one member of another type than the till's class has
// fails the whole answer. The classes are those of the published OrderWeb till, as far as it reads them.
// SPDX-License-Identifier: Apache-2.0

// Types: 'string' and 'string?' take a text or null; 'bool', 'int', 'decimal' and 'DateTime' exactly that; with a
// question mark also null. [type] is a list, an object is a class, '{string}' a table of texts. Members are found
// whatever their case; members that the class does not have are skipped.
const instant = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,7})?)?(Z|[+-]\d\d:\d\d)?)?$/;
const isInt = (value, raw) => /^-?\d+$/.test(raw) && Math.abs(value) <= 2_147_483_647;

const scalars = {
    string: (value) => value === null || typeof value === 'string',
    bool: (value) => typeof value === 'boolean',
    int: (value, raw) => typeof value === 'number' && isInt(value, raw),
    decimal: (value) => typeof value === 'number',
    // Its converters take a number or a text.
    flexible: (value) => typeof value === 'number' || typeof value === 'string',
    DateTime: (value) => typeof value === 'string' && instant.test(value),
};

class JsonException extends Error {}

function check(value, type, path, rawOf) {
    if (Array.isArray(type)) {
        if (value === null) return;
        if (!Array.isArray(value)) throw new JsonException(`${path} is no list: ${JSON.stringify(value)}`);
        value.forEach((one, i) => check(one, type[0], `${path}[${i}]`, rawOf));
    } else if (type === '{string}') {
        for (const [key, one] of Object.entries(value)) check(one, 'string', `${path}.${key}`, rawOf);
    } else if (typeof type === 'object') {
        if (value === null) return;
        if (typeof value !== 'object' || Array.isArray(value))
            throw new JsonException(`${path} is no object: ${JSON.stringify(value)}`);
        const names = new Map(Object.keys(type).map((name) => [name.toLowerCase(), name]));
        for (const [key, one] of Object.entries(value)) {
            const name = names.get(key.toLowerCase());
            if (name !== undefined) check(one, type[name], `${path}.${key}`, rawOf);
        }
    } else {
        const isNullable = type.endsWith('?');
        if (isNullable && value === null) return;
        if (!scalars[type.replace('?', '')](value, rawOf(value)))
            throw new JsonException(`${path} is no ${type}: ${JSON.stringify(value)}`);
    }
}

// The answer as its class, or an error as the till gets it.
export function readAs(type, text) {
    const value = JSON.parse(text);
    check(value, type, '$', (one) => (typeof one === 'number' ? String(one) : ''));
    return value;
}

const customer = {
    Phone: 'string',
    DisplayPhone: 'string',
    LoyaltyCardNumber: 'string',
    CustomerName: 'string',
    Email: 'string?',
    PointsBalance: 'int',
    TotalPointsEarned: 'int',
    TotalPointsRedeemed: 'int',
    TierLevel: 'string?',
    NextTierPoints: 'int',
    IsActive: 'int',
    JoinedDate: 'DateTime',
    LastOrderDate: 'DateTime?',
    TotalOrders: 'int',
    TotalSpent: 'string',
};

export const PullOrders = {
    Success: 'bool',
    Tenant: { Id: 'string', Name: 'string', Slug: 'string' },
    Orders: [
        {
            Id: 'string',
            OrderNumber: 'string',
            CustomerName: 'string?',
            CustomerPhone: 'string?',
            CustomerEmail: 'string?',
            Address: 'string?',
            Total: 'string',
            Subtotal: 'string?',
            DeliveryFee: 'string?',
            Tax: 'string?',
            Status: 'string?',
            OrderType: 'string?',
            PaymentMethod: 'string?',
            PaymentStatus: 'string?',
            VoucherCode: 'string?',
            SpecialInstructions: 'string?',
            CreatedAt: 'DateTime',
            ScheduledTime: 'DateTime?',
            Items: [
                {
                    Id: 'int',
                    MenuItemId: 'string?',
                    Name: 'string',
                    Price: 'decimal?',
                    Quantity: 'int',
                    SelectedAddons: [{ Id: 'string?', Name: 'string', Price: 'decimal?' }],
                    SpecialInstructions: 'string?',
                },
            ],
        },
    ],
    Count: 'int',
    Timestamp: 'DateTime',
};

export const LoyaltyLookup = {
    Success: 'bool',
    Error: 'string?',
    Customer: customer,
    Transactions: [
        {
            Id: 'int',
            CustomerId: 'int',
            PointsChange: 'int',
            TransactionType: 'string',
            Description: 'string',
            CreatedAt: 'DateTime',
            OrderValue: 'decimal?',
        },
    ],
};

export const GiftCardLookup = {
    success: 'bool',
    error: 'string?',
    message: 'string?',
    gift_card: {
        card_number: 'string',
        balance: 'flexible',
        status: 'string',
        card_type: 'string',
        created_at: 'DateTime?',
        expiry_date: 'DateTime?',
    },
};

export const GiftCardRedeem = {
    success: 'bool',
    error: 'string?',
    message: 'string?',
    remaining_balance: 'flexible?',
    amount_redeemed: 'flexible?',
};

export const GiftCardDeduct = { Success: 'bool', RemainingBalance: 'decimal', TransactionId: 'string' };
export const LoyaltyRedeem = { Success: 'bool', RemainingPoints: 'int', TransactionId: 'string' };
export const LoyaltyAdd = { Success: 'bool', NewPoints: 'int', TransactionId: 'string' };
export const RemoteConfiguration = '{string}';
