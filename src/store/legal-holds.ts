import { createHash } from 'node:crypto';
import { invalidInput } from '../domain/errors';
import type { Hold, HoldRequest, ReleasedHold, ReleaseHoldOptions, WithheldMemory } from '../domain/hold';
import { isEmpty } from '../domain/parse/parse-selection';
import { parse, parseAll } from '../domain/parse/shapes';
import { root } from '../domain/principal';
import { copyOfScope } from '../domain/scope';
import { rowsHeldOnlyBy } from '../state/apply/apply-hold';
import { submit } from '../write/submit';
import type { AuditedCalls, AuditedCallsDeps, ReturnedMemory } from './audited-calls';
import type { Engine } from './composition/engine';
import type { StoreErasures } from './erasures';
import { withheldMemories } from './withheld';

type HoldDeps = AuditedCallsDeps & Pick<Engine, 'shapes' | 'reading' | 'writing'>;

const host = { actor: root, scope: {} };
const defaultLimit = 100;

/** The calls with which the host administers legal holds. Only it learns of them. */
export class LegalHolds {
  readonly #engine: HoldDeps;
  readonly #calls: AuditedCalls;

  readonly #erasures: Pick<StoreErasures, 'beforeRelease' | 'released'>;

  constructor(engine: HoldDeps, calls: AuditedCalls, erasures: Pick<StoreErasures, 'beforeRelease' | 'released'>) {
    this.#engine = engine;
    this.#calls = calls;
    this.#erasures = erasures;
  }

  begin(request: HoldRequest, options: object): Promise<string> {
    return this.#calls.change('hold', async () => {
      const context = this.#engine.writing();
      const { shapes, environment } = this.#engine;
      const [{ matter, selection }, { signal }] = parseAll(
        [shapes.holdRequest, request],
        [shapes.callOptions, options, ['options']],
      );
      if (isEmpty({ scope: selection, include: new Set() })) {
        const message = 'expected at least one condition, got a selection that matches every memory.';
        throw invalidInput([{ path: ['selection'], message }], 'hold');
      }
      signal?.throwIfAborted();
      const at = context.clock.now();
      const hash = createHash('sha256')
        .update(environment.randomBytes(16))
        .update(JSON.stringify([at, matter, selection]));
      const id = `hold-${hash.digest('hex').slice(0, 16)}`;
      await submit(context, host, { type: 'hold', id, matter, scope: selection }, at);
      return id;
    });
  }

  release(id: string, options: ReleaseHoldOptions): Promise<ReleasedHold> {
    if (Object(options).dryRun === true) return this.#planRelease(id, options);
    return this.#calls.change('release-hold', async () => {
      const context = this.#engine.writing();
      const { shapes } = this.#engine;
      const [parsedId, { signal }] = parseAll([shapes.id, id, ['id']], [shapes.releaseHoldOptions, options]);
      signal?.throwIfAborted();
      await this.#erasures.beforeRelease();
      const { released, forgotten } = await submit(context, host, { type: 'release-hold', id: parsedId });
      this.#erasures.released();
      return { released, forgotten };
    });
  }

  #planRelease(id: string, options: ReleaseHoldOptions): Promise<ReleasedHold> {
    return this.#calls.read('holds', () => {
      const { shapes, state } = this.#engine;
      const [parsedId, { signal }] = parseAll([shapes.id, id, ['id']], [shapes.releaseHoldOptions, options]);
      signal?.throwIfAborted();
      this.#engine.reading();
      const rows = rowsHeldOnlyBy(state, parsedId);
      return { released: rows !== undefined, forgotten: rows?.length ?? 0 };
    });
  }

  list(options: object): Promise<Hold[]> {
    return this.#calls.read('holds', () => {
      parse(this.#engine.shapes.callOptions, options, 'options').signal?.throwIfAborted();
      this.#engine.reading();
      return this.#engine.state.holds.inForce.map(({ id, matter, scope, since }) => ({
        id,
        matter,
        selection: copyOfScope(scope),
        since: new Date(since),
      }));
    });
  }

  withheld(options: object): Promise<WithheldMemory[]> {
    const run = () => {
      const { signal, after, limit = defaultLimit } = parse(this.#engine.shapes.withheldOptions, options, 'options');
      signal?.throwIfAborted();
      return withheldMemories(this.#engine, host, { after, limit });
    };
    return this.#calls.read('withheld', run, (found) => found.flatMap(latestOf));
  }
}

/** The revision of a withheld memory that names it in the audit. */
function latestOf({ revisions }: WithheldMemory): ReturnedMemory[] {
  const latest = revisions.at(-1);
  return latest === undefined ? [] : [latest];
}
