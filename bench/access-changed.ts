import { allow, type Declaration, group, type MemoryStore, type RuleInForce } from 'multi-agent-memory';
import { questionOf, type Ticket } from './shared/corpus';
import { CrowdRules } from './shared/crowd-rules';
import { median, quantile } from './shared/figures';
import { type Question, samples } from './shared/question';
import { type Row, row } from './shared/row';
import { placeOf } from './shared/scopes';
import { copyOfLoaded, openStore } from './shared/store';
import { calm, milliseconds } from './shared/timing';
import { Vectors } from './shared/vectors';

const goal = { atMost: 5 };
const actor = { agentId: 'changing' };
const itsGroup = 'changing';
const itsRole = 'changing';

/** As many rules as other principals have, but few visible memories: the variation of a large search would hide the cost of compiling. */
const ofActor: readonly Declaration[] = [
  group(itsGroup, [actor]),
  ...Array.from({ length: 8 }, (_, team) => allow(actor, 'writer', placeOf(7, team))),
  ...Array.from({ length: 8 }, (_, team) => allow({ group: itsGroup }, 'curator', placeOf(8, team))),
];

type Access = MemoryStore<Ticket>['admin']['access'];

/** The changes to measure. Every second round undoes the change of the round before. */
function changesOf(access: Access): Readonly<Record<string, (round: number) => Promise<unknown>>> {
  const inTurns = (add: () => Promise<RuleInForce>) => {
    let id = '';
    return async (round: number) => {
      if (round % 2 === 0) ({ id } = await add());
      else await access.end(id);
    };
  };
  return {
    'its own rules': inTurns(() => access.allow(actor, 'reader', placeOf(9, 1))),
    'its group': inTurns(() => access.deny({ group: itsGroup }, 'reader', placeOf(8, 1))),
    'its role': (round) => access.role(itsRole, round % 2 === 0 ? ['read', 'write'] : ['read']),
  };
}

/** The cost of a change of rules for the principal that they apply to: its next recall compiles its rules again. */
export const accessChanged: Question = {
  name: 'access-changed',
  asks: 'With 10,000 rules and 5,000 label sets, how much longer does the first recall of a principal take after its rules changed?',
  async run(setting) {
    const vectors = new Vectors(setting.memories);
    const access = [...new CrowdRules(samples(setting, 1_000, 20)).declarations, ...ofActor];
    const store = await openStore(await copyOfLoaded(setting, 'scopes'), { access });
    await store.settled();
    const agent = store.as(actor);
    // Added at run time, since declarations that were given to `open` cannot be changed.
    await store.admin.access.role(itsRole, ['read']);
    await store.admin.access.allow(actor, itsRole, placeOf(9, 2));
    const rows: Row[] = [];
    const again: number[] = [];
    for (const [what, change] of Object.entries(changesOf(store.admin.access))) {
      const [more, changeMs]: [number[], number[]] = [[], []];
      await calm();
      for (let round = 0; round < samples(setting, 200); round++) {
        const { words, vector } = questionOf(vectors, round);
        const ask = () => agent.recall(words, { vector });
        // From now on the words of the query are cached.
        await ask();
        const unchanged = await milliseconds(ask);
        const before = await milliseconds(ask);
        again.push(before - unchanged);
        changeMs.push(await milliseconds(() => change(round)));
        more.push((await milliseconds(ask)) - before);
      }
      const figure = (of: string, ms: number) =>
        row({ name: `access-changed, ${what}, ${of}`, value: Math.max(0, ms), unit: 'ms more', goal });
      rows.push(
        figure('median', median(more)),
        figure('p95', quantile(more, 0.95)),
        row({ name: `access-changed, ${what}, the change`, value: median(changeMs), unit: 'ms' }),
      );
    }
    await store.close();
    // For comparison: the variation between two recalls without a change.
    rows.push(
      row({ name: 'access-changed, nothing, p95', value: Math.max(0, quantile(again, 0.95)), unit: 'ms more' }),
    );
    return rows;
  },
};
