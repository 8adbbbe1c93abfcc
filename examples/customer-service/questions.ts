/** A question that an agent asks the shared memory before a session, and the expected answer. */
export interface Question {
  /** The session that the agent prepares. */
  before: string;
  ask: string;
  /** One of the first three hits must match this. */
  expect: RegExp;
  /** The agent that must have stored that hit. */
  from: string;
}

export const questions: readonly Question[] = [
  {
    before: 's-106',
    ask: 'What is his address now that he has moved?',
    expect: /48 Chestnut Court/,
    from: 'returns',
  },
  {
    before: 's-106',
    ask: 'At what time is he in the park with the dog?',
    expect: /between eleven and twelve/,
    from: 'returns',
  },
  {
    before: 's-107',
    ask: 'How does this customer want to be paid back?',
    expect: /card ending 0921, not as store credit/,
    from: 'billing',
  },
  {
    before: 's-107',
    ask: 'What happened to the water tank?',
    expect: /water tank is cracked/,
    from: 'billing',
  },
  {
    before: 's-108',
    ask: 'Is it all right to phone her?',
    expect: /no phone calls/i,
    from: 'returns',
  },
  {
    before: 's-109',
    ask: 'Which firmware does the router run, and when does the wifi drop?',
    expect: /firmware 2\.1\.8/i,
    from: 'technical-support',
  },
  {
    before: 's-109',
    ask: 'Did we promise him anything, and by when?',
    expect: /firmware 2\.2\.0 by Friday 7 March/,
    from: 'technical-support',
  },
  {
    before: 's-110',
    ask: '¿En qué idioma prefiere que le hablemos?',
    expect: /español/,
    from: 'billing',
  },
  {
    before: 's-110',
    ask: '¿A qué hora se puede entregar en el taller?',
    expect: /16:00/,
    from: 'billing',
  },
  {
    before: 's-111',
    ask: 'Was he promised a voucher, and how much?',
    expect: /voucher of 15 euros/,
    from: 'returns',
  },
  {
    before: 's-111',
    ask: 'What should a bill look like so that he can read it?',
    expect: /large print/,
    from: 'technical-support',
  },
  {
    before: 's-112',
    ask: 'Where did she drop off the parcel with the machine?',
    expect: /kiosk on Mill Street/,
    from: 'returns',
  },
];
