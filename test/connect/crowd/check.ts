import type { Contents } from './contents';
import type { Answer, Deed, Line } from './deeds';

/** What one worker said. */
export interface Story {
  readonly name: string;
  readonly lines: readonly Line[];
  readonly wasKilled: boolean;
}

export interface Findings {
  /** Writes that were acknowledged. */
  acknowledged: number;
  /** Writes of killed workers that were asked for and never answered. */
  unanswered: number;
  /** What was lost, or done twice. */
  problems: string[];
}

/** Compares what a worker was told with what is there. */
export function checkWorker({ name, lines, wasKilled }: Story, contents: Contents, findings: Findings): void {
  const problem = (what: string) => void findings.problems.push(`${name}: ${what}`);
  const answers = new Map(lines.flatMap((line) => (line.say === 'ack' ? [[line.n, line.answers] as const] : [])));
  const deeds = lines.flatMap((line) => (line.say === 'intent' ? [line] : []));
  const forgetting = new Map(
    deeds.flatMap((deed) => (deed.kind === 'forget' ? [[deed.id, answers.has(deed.n)] as const] : [])),
  );
  for (const line of lines) if (line.say === 'failed') problem(`${line.n} failed: ${line.error}`);
  for (const deed of deeds) {
    const told = answers.get(deed.n);
    if (told === undefined) {
      findings.unanswered++;
      if (!wasKilled) problem(`${deed.n} was never answered`);
    } else findings.acknowledged++;
    checkDeed(deed, told, { contents, forgetting, problem });
  }
  for (const kind of ['key', 'count'] as const) checkOrder(kind, deeds, answers, problem);
}

interface Checking {
  readonly contents: Contents;
  /** Memories that the worker wanted forgotten, and whether that was acknowledged. */
  readonly forgetting: ReadonlyMap<string, boolean>;
  problem(what: string): void;
}

function checkDeed(deed: Deed, told: readonly Answer[] | undefined, { contents, forgetting, problem }: Checking): void {
  if (deed.kind === 'forget') {
    if (told === undefined) return;
    if (told[0]?.outcome !== 'forgotten')
      problem(`${deed.n}: to forget ${deed.id} was answered with ${told[0]?.outcome}`);
    if (contents.histories.has(deed.id)) problem(`${deed.n}: ${deed.id} is there, though it was forgotten`);
    return;
  }
  const texts = 'text' in deed ? [deed.text] : deed.texts;
  const there = texts.map((text) => contents.withText(text).length);
  if (there.some((count) => count > 1)) problem(`${deed.n} (${deed.kind}) was done ${there} times`);
  if (deed.kind === 'all' && new Set(there).size > 1) problem(`${deed.n} was done in part: ${there}`);
  for (const [i, text] of texts.entries()) {
    const answer = told?.[i];
    if (answer === undefined) continue;
    const first = contents.histories.get(answer.id)?.[0];
    const expected = deed.kind === 'count' ? 'updated' : deed.kind === 'key' && first !== text ? 'revised' : 'stored';
    if (answer.outcome !== expected)
      problem(`${deed.n} (${deed.kind}) was answered with ${answer.outcome}, not ${expected}`);
    const isForgotten = forgetting.has(answer.id);
    const found = contents.histories.get(answer.id)?.[answer.revision - 1];
    if (found !== text && !isForgotten)
      problem(`${deed.n} (${deed.kind}) is lost: revision ${answer.revision} is ${found}`);
  }
}

/** What was asked one after the other was done one after the other. */
function checkOrder(
  kind: 'key' | 'count',
  deeds: readonly Deed[],
  answers: ReadonlyMap<number, readonly Answer[]>,
  problem: (what: string) => void,
): void {
  let last = 0;
  for (const deed of deeds) {
    const revision = deed.kind === kind ? answers.get(deed.n)?.[0]?.revision : undefined;
    if (revision === undefined) continue;
    if (revision <= last) problem(`${deed.n} (${kind}) made revision ${revision}, after ${last} was made`);
    last = revision;
  }
}
