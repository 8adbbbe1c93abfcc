/**
 * A support desk stores each message of a month: 90 conversations, which a seeded generator makes up. Consolidation replaces them by short
 * facts, without a model and without network. Questions are asked before and after, one answer is followed back to the messages that it
 * quotes, and one consolidation is undone.
 */
import { allow, extractiveSummarizer, type Hit, MemoryStore, type NewMemory } from 'multi-agent-memory';

const articles = ['desk lamp', 'coffee grinder', 'rain jacket', 'garden hose', 'alarm clock', 'bread knife'];
const defects = ['a broken handle', 'a cracked lid', 'a torn seam', 'a bent frame', 'no manual', 'the wrong plug'];
const customers = ['Ms Berg', 'Mr Okafor', 'Ms Lind', 'Mr Castellanos', 'Ms Haruki', 'Mr Novak', 'Ms Duarte'];
const towns = ['Bremen', 'Ghent', 'Lyon', 'Turin', 'Aarhus', 'Porto'];
const offers = [
  (order: number) =>
    `A replacement for order ${order} leaves the warehouse in ${pick(towns)} on ${below(28) + 1} April.`,
  (order: number) => `The refund of ${below(90) + 10} euros for order ${order} is paid within ${below(9) + 2} days.`,
  (order: number) => `A courier from ${pick(towns)} picks up order ${order} on ${below(28) + 1} April.`,
];
const courtesies = [
  'No problem, take your time.',
  'I hope you can help me with this, I was looking forward to it.',
  'That is a pity, but these things happen, do they not?',
  'I have been a customer for a long time, and this is the first time that something went wrong.',
];

// A small generator of pseudo-random numbers, Mulberry32: the same seed always gives the same month.
let seed = 20260301;
function below(limit: number): number {
  seed = (seed + 0x6d2b79f5) | 0;
  let mixed = Math.imul(seed ^ (seed >>> 15), seed | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
}

function pick<T>(from: readonly T[]): T {
  return from[below(from.length)]!;
}

interface Question {
  ask: string;
  /** What the answer contains. */
  expected: string;
  /** The conversation that has the answer. */
  sessionId: string;
}

interface Conversation {
  messages: NewMemory[];
  questions: Question[];
}

function conversationOn(day: number, hour: number): Conversation {
  const order = 4_000 + day * 10 + hour;
  const sessionId = `order-${order}`;
  const [customer, article, defect] = [pick(customers), pick(articles), pick(defects)];
  const offer = pick(offers)(order);
  const lines = [
    'Support: Good morning, and thank you for writing to us! How can I help you today?',
    `${customer}: Hello, I have a question about something that I have ordered from you.`,
    'Support: Of course. Could you please give me the number of the order?',
    `${customer}: Yes, one moment. It is order ${order}, the ${article}.`,
    'Support: Thank you very much. Let me have a look, this may take a moment.',
    `${customer}: ${pick(courtesies)}`,
    'Support: Thank you for waiting. I can see it here now. What went wrong with it?',
    `${customer}: The ${article} arrived with ${defect}.`,
    'Support: I am very sorry to hear that. We will find a solution for you.',
    `${customer}: ${pick(courtesies)}`,
    `Support: ${offer}`,
    `${customer}: Thank you, that is what I was hoping for.`,
    'Support: You are welcome. Is there anything else that I can do for you today?',
    `${customer}: No, that is all. Have a nice day!`,
  ];
  const messages = lines.map((text, minute) => ({
    text,
    sessionId,
    validFrom: new Date(Date.UTC(2026, 2, day, 8 + hour, minute)),
  }));
  return {
    messages,
    questions: [
      { ask: `What was agreed for order ${order}?`, expected: offer, sessionId },
      { ask: `What was wrong with the ${article} of order ${order}?`, expected: `arrived with ${defect}`, sessionId },
    ],
  };
}

const month: Conversation[] = [];
for (let day = 1; day <= 30; day++) for (let hour = 1; hour <= 3; hour++) month.push(conversationOn(day, hour));

const store = await MemoryStore.inMemory({ access: [allow('everyone', 'curator', ['support'])] });
const desk = store.as({ agentId: 'desk' }, { namespace: ['support'] });
await desk.rememberMany(month.flatMap(({ messages }) => messages));

async function printSize(): Promise<void> {
  let memories = 0;
  let bytes = 0;
  for await (const { text } of desk.list()) {
    memories++;
    bytes += Buffer.byteLength(text);
  }
  console.log(`  ordinary reads see ${memories} memories, ${bytes} bytes`);
}

/** The best hits that fit into a part of a prompt: 600 bytes, whether they are messages or facts. */
async function hitsWithin(ask: string): Promise<Hit[]> {
  const fitting: Hit[] = [];
  let room = 600;
  for (const hit of await desk.recall(ask, { topK: 20 })) {
    room -= Buffer.byteLength(hit.text);
    if (room < 0) break;
    fitting.push(hit);
  }
  return fitting;
}

/** The place of the answer among the hits, from 1, or 0. The same words in another conversation are no answer. */
async function placeOf({ ask, expected, sessionId }: Question): Promise<number> {
  const hits = await hitsWithin(ask);
  return hits.findIndex((hit) => hit.sessionId === sessionId && hit.text.includes(expected)) + 1;
}

async function printRecall(): Promise<void> {
  const all = month.flatMap(({ questions }) => questions);
  let found = 0;
  for (const question of all) if ((await placeOf(question)) > 0) found++;
  console.log(`  ${found} of ${all.length} answers are in the first 600 bytes of the hits`);
}

async function printAnswers(): Promise<void> {
  for (const question of [10, 45, 80].flatMap((n) => month[n]!.questions)) {
    const place = await placeOf(question);
    console.log(`  ${question.ask} ${place === 0 ? 'Not found.' : `Hit ${place}: "${question.expected}"`}`);
  }
}

console.log('The desk has stored each message of March:');
await printSize();
await printRecall();
await printAnswers();

console.log('A dry run shows what consolidation would do, and stores nothing:');
const options = { summarizer: extractiveSummarizer(), ratio: 0.4 };
const plan = await desk.consolidate({}, { ...options, dryRun: true });
console.log(`  ${plan.groups} conversations would become ${plan.facts} facts`);
console.log(`  ${plan.bytesBefore} bytes would become ${plan.bytesAfter}`);
await printSize();

console.log('The desk consolidates:');
const done = await desk.consolidate({}, { ...options, dryRun: false });
console.log(
  `  ${done.sources} messages became ${done.facts} facts, ${done.bytesBefore} bytes became ${done.bytesAfter}`,
);
await printSize();
await printRecall();
await printAnswers();

const { ask } = month[45]!.questions[1]!;
const [fact] = await desk.recall(ask, { topK: 1 });
console.log(`A fact leads back to the messages that it quotes. ${ask}`);
for (const line of fact!.text.split('\n')) console.log(`  | ${line}`);
for (const { text, state } of await desk.sources(fact!.id)) console.log(`  ${state}: ${text}`);

// The messages that no fact quotes come back with the first fact of their conversation.
console.log('The desk undoes this fact, and its messages are active again, with those that no fact quotes:');
const undone = await desk.undoConsolidation(fact!.id);
console.log(`  facts forgotten: ${undone.facts.length}, messages active again: ${undone.sources.length}`);
console.log(`  the fact is ${(await desk.get(fact!.id)) === undefined ? 'gone' : 'still there'}`);
await printSize();

await store.close();
