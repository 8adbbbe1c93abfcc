import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { extractiveSummarizer, type Summarizer } from 'multi-agent-memory';
import { type FactQuality, factQuality } from './shared/fact-quality';
import { mean } from './shared/figures';
import { type Conversation, readLocomo } from './shared/locomo';
import { groupsOf, observed, summarized, type TurnFact, unchanged } from './shared/locomo-facts';
import { type Question, samples } from './shared/question';
import { lexRank, randomSentences } from './shared/quoting-baselines';
import { type Goal, type Row, row } from './shared/row';

/** How much of conversations is still found after consolidation. The weights of the summarizer were chosen on the other half of LoCoMo. */
export const qualityConsolidation: Question = {
  name: 'quality-consolidation',
  asks: 'How much of the turns and answers of LoCoMo (conversations 2, 4, 6, 8, 10) is found after each session became facts?',
  async run(setting) {
    const { data } = setting;
    if (!existsSync(join(data, 'locomo'))) return { skipped: `${data} does not contain locomo (set --data FOLDER)` };
    const even = (await readLocomo(data))
      .filter((_, i) => i % 2 === 1)
      .slice(0, samples(setting, 5, 1))
      .map((conversation) => ({
        ...conversation,
        questions: conversation.questions.slice(0, samples(setting, 1_000)),
      }));
    const by = (summarizer: Summarizer, ratio: number) => (conversation: Conversation) =>
      summarized(conversation, summarizer, ratio);
    const raw = await measured(even, async (conversation) => unchanged(conversation));
    const random = await measured(even, by(randomSentences, 0.25));
    const rows: Row[] = [
      ...rowsOf('turns as they are', raw),
      ...rowsOf('random, ratio .25', random),
      ...rowsOf('LexRank, ratio .25', await measured(even, by(lexRank, 0.25))),
      ...rowsOf("LoCoMo's observations", await measured(even, async (conversation) => observed(conversation))),
    ];
    for (const [ratio, goals] of ratioGoals) {
      const found = await measured(even, by(extractiveSummarizer(), ratio));
      rows.push(...rowsOf(`extractive, ratio ${ratio}`, found, goals));
      if (ratio !== 0.25) continue;
      const gain = 100 * (mean(found.answer) - mean(random.answer));
      rows.push(row({ name: 'answer words above random', value: gain, unit: 'points', goal: { atLeast: 14 } }));
    }
    return [...rows, await speed(even)];
  },
};

type Goals = Readonly<Partial<Record<keyof FactQuality, Goal>>>;

const ratioGoals: readonly (readonly [number, Goals])[] = [
  [0.5, { evidence: { atLeast: 71 }, answer: { atLeast: 62 }, drilled: { atLeast: 63 } }],
  [0.25, { evidence: { atLeast: 60 }, answer: { atLeast: 56 }, drilled: { atLeast: 59 } }],
  [0.1, { evidence: { atLeast: 42 }, answer: { atLeast: 46 }, drilled: { atLeast: 49 } }],
];

interface Measured extends FactQuality {
  readonly facts: number;
  /** The bytes of the facts, as a share of those of the turns. */
  readonly ratio: number;
}

async function measured(
  conversations: readonly Conversation[],
  factsOf: (conversation: Conversation) => Promise<readonly TurnFact[]>,
): Promise<Measured> {
  const sum = { evidence: [] as number[], answer: [] as number[], drilled: [] as number[] };
  const [facts, turns]: TurnFact[][] = [[], []];
  for (const conversation of conversations) {
    const made = await factsOf(conversation);
    const quality = await factQuality(conversation, made);
    for (const kind of kinds) sum[kind].push(...quality[kind]);
    facts!.push(...made);
    turns!.push(...unchanged(conversation));
  }
  return { ...sum, facts: facts!.length, ratio: bytesOf(facts!) / bytesOf(turns!) };
}

function bytesOf(facts: readonly TurnFact[]): number {
  return facts.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
}

const kinds = ['evidence', 'answer', 'drilled'] as const;
const titles: Readonly<Record<(typeof kinds)[number], string>> = {
  evidence: 'turns with the answer in the first 10 hits',
  answer: 'words of the answer in 400 tokens of hits',
  drilled: 'words of the answer in 400 tokens of their turns',
};

function rowsOf(name: string, found: Measured, goals: Goals = {}): Row[] {
  const shares = kinds.map((kind) =>
    row({ name: `${titles[kind]}, ${name}`, value: 100 * mean(found[kind]), unit: '%', goal: goals[kind] ?? {} }),
  );
  return [
    ...shares,
    row({ name: `bytes, ${name}`, value: 100 * found.ratio, unit: '% of the turns' }),
    row({ name: `memories, ${name}`, value: found.facts, unit: 'memories' }),
  ];
}

const speedRounds = 5;

async function speed(conversations: readonly Conversation[]): Promise<Row> {
  const groups = conversations.flatMap(groupsOf);
  const summarizer = extractiveSummarizer();
  const read = async () => {
    for (const { group } of groups) await summarizer.summarize(group, { ratio: 0.5 });
  };
  await read();
  const before = process.cpuUsage();
  for (let round = 0; round < speedRounds; round++) await read();
  const { user, system } = process.cpuUsage(before);
  const turns = speedRounds * groups.reduce((sum, { group }) => sum + group.sources.length, 0);
  const value = turns / ((user + system) / 1e6);
  return row({ name: 'extractive summarizer, processor time', value, unit: 'turns/s', goal: { atLeast: 10_000 } });
}
