/** A note that an agent stores at the end of a session. In a real system, its language model writes it. */
export interface Note {
  session: string;
  text: string;
  /** 0 to 1. */
  priority: number;
  tags: string[];
  /** The shop's own name for the fact. Storing the same key again revises the note. */
  key?: string;
  /** The key of an older fact that is no longer true and that this note replaces. */
  supersedes?: string;
}

/** The key of technical support's promise to Tomasz. */
export const firmwarePromise = 'customer-2093/firmware';

export const notes: readonly Note[] = [
  {
    session: 's-101',
    text: 'The customer wants the refund of 249.00 euros for order A-1182 paid back to the card ending 0921, not as store credit.',
    priority: 0.9,
    tags: ['refund'],
    key: 'customer-4417/refund',
  },
  {
    session: 's-101',
    text: 'Dana teaches until six: write an e-mail, do not call during the day.',
    priority: 0.7,
    tags: ['contact'],
  },
  {
    session: 's-102',
    text: 'Every evening the wifi drops on the 5 GHz band. Router: Hallnet R4, firmware 2.1.8, serial number HN4-88213. Workaround: channel 44 by hand, band steering off.',
    priority: 0.7,
    tags: ['fault'],
  },
  {
    session: 's-102',
    text: 'We promised the customer the download link for firmware 2.2.0 by Friday 7 March, 17:00.',
    priority: 0.9,
    tags: ['promise'],
    key: firmwarePromise,
  },
  {
    session: 's-102',
    text: 'No calls before 14:00: he is a nurse on night shift and sleeps in the morning.',
    priority: 0.8,
    tags: ['contact'],
  },
  {
    session: 's-103',
    text: 'Ruth is deaf: no phone calls and no voicemail, ever. Text message first, e-mail second.',
    priority: 1,
    tags: ['contact'],
  },
  {
    session: 's-103',
    text: 'We promised a new Dustling 300 by Thursday 13 March. The courier must press the white button under the bell, text five minutes before, and take the wet one along.',
    priority: 0.9,
    tags: ['promise'],
  },
  {
    session: 's-104',
    text: 'La clienta prefiere que la atendamos en español.',
    priority: 0.9,
    tags: ['contact'],
  },
  {
    session: 's-104',
    text: 'Le prometimos devolver el cobro duplicado de 89,90 euros del pedido B-2040 antes del miércoles 12 de marzo.',
    priority: 0.9,
    tags: ['promise', 'refund'],
  },
  {
    session: 's-104',
    text: 'Las entregas van al taller, calle del Alfar 9, Valencia, y solo a partir de las 16:00.',
    priority: 0.8,
    tags: ['delivery'],
  },
  {
    session: 's-105',
    text: 'He has moved: his new address is 48 Chestnut Court, ground floor, no longer 12 Harbour Lane.',
    priority: 0.9,
    tags: ['delivery'],
    key: 'customer-5120/address',
  },
  {
    session: 's-105',
    text: 'We promised a voucher of 15 euros by Friday 7 March, for the parcel that went to the old address.',
    priority: 0.8,
    tags: ['promise'],
  },
  {
    session: 's-106',
    text: 'Send him every letter and bill on paper and in large print, at least 18 point: his eyes are weak.',
    priority: 0.9,
    tags: ['contact'],
  },
  {
    session: 's-107',
    text: 'She sends the machine back from the kiosk on Mill Street on Thursday 6 March, in a box marked finger paint.',
    priority: 0.6,
    tags: ['return'],
  },
  {
    session: 's-108',
    text: 'Her Lumo hub needs a 2.4 GHz network of its own, called slowpoke. Her doorbell lights depend on it.',
    priority: 0.7,
    tags: ['fault'],
  },
  {
    session: 's-109',
    text: 'One month of Hallnet Plus, 9.90 euros, is credited on the invoice of 1 April.',
    priority: 0.7,
    tags: ['refund'],
  },
  {
    session: 's-110',
    text: 'Una lámpara Candela nueva llega al taller el lunes 10 o el martes 11. La rota se la queda para repararla.',
    priority: 0.7,
    tags: ['delivery'],
  },
  {
    session: 's-111',
    text: 'He keeps the Care Plan after all, changed from monthly to yearly: 49 euros a year.',
    priority: 0.7,
    tags: ['contract'],
  },
  {
    session: 's-112',
    text: 'Card ending 0921 was stolen: the customer wants the refund of 249.00 euros for order A-1182 paid back to the bank account ending 3340.',
    priority: 0.9,
    tags: ['refund'],
    supersedes: 'customer-4417/refund',
  },
];
