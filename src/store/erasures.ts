import type { CallOptions } from '../domain/calls';
import { defined } from '../domain/defined';
import type { ErasureOptions, ErasurePlan, ErasureTarget } from '../domain/erasure';
import { invalidInput } from '../domain/errors';
import { parse, parseAll } from '../domain/parse/shapes';
import { messageOf } from '../domain/realms';
import { nextTurn } from '../environment/timers';
import type { ErasureReceipt } from '../erasure/receipt';
import { planErasure } from '../state/queries/erasure-plan';
import { subjectOf } from '../state/tables/erased-subject';
import type { AuditedCalls } from './audited-calls';
import type { Engine } from './composition/engine';
import type { ErasureDeps } from './erasure-run';
import type { Lifetime } from './lifetime';

type StoreErasureDeps = ErasureDeps & Pick<Engine, 'shapes' | 'reading'>;

/** The calls with which the host erases what is about somebody, and reads the receipts. */
export class StoreErasures {
  readonly #engine: StoreErasureDeps;
  readonly #lifetime: Lifetime;
  readonly #calls: AuditedCalls;

  constructor(engine: StoreErasureDeps, lifetime: Lifetime, calls: AuditedCalls) {
    this.#engine = engine;
    this.#lifetime = lifetime;
    this.#calls = calls;
  }

  erase(target: ErasureTarget, options: ErasureOptions): Promise<ErasureReceipt | ErasurePlan> {
    return this.#calls.write('erase', async () => {
      this.#engine.writing();
      const { shapes, erasing } = this.#engine;
      const [parsed, { dryRun, keepAuthored, mentions, reason, signal: given, onProgress }] = parseAll(
        [shapes.erasureTarget, target, ['target']],
        [shapes.eraseOptions, options, ['options']],
      );
      const names = 'userId' in parsed ? [parsed.userId] : 'namespace' in parsed ? parsed.namespace.slice(-1) : [];
      assertNamesNobody(reason, names);
      const signals = [given, this.#lifetime.ended].filter((each) => each !== undefined);
      const signal = AbortSignal.any(signals);
      signal.throwIfAborted();
      const planned = () => this.#plan(parsed, { keepAuthored, mentions }, signal);
      if (dryRun === true) return planned();
      return erasing.run(async () => {
        const { runErasure } = await import('./erasure-run');
        const kind = 'userId' in parsed ? 'user' : 'namespace' in parsed ? 'namespace' : 'ids';
        const subject = subjectOf(this.#engine.storeKey, parsed);
        const request = {
          kind,
          subject,
          names,
          plan: await planned(),
          keepAuthored: keepAuthored === true,
          reason,
        } as const;
        return runErasure(this.#engine, request, { signal, onProgress });
      });
    });
  }

  receipts(options: CallOptions): Promise<ErasureReceipt[]> {
    return this.#calls.read('receipts', () => {
      parse(this.#engine.shapes.callOptions, options, 'options').signal?.throwIfAborted();
      this.#engine.reading();
      return this.#engine.state.receipts.all().map((json) => JSON.parse(json) as ErasureReceipt);
    });
  }

  /** Takes probes of what holds keep for erasures. Nothing of it is left when the last hold has ended. */
  async beforeRelease(): Promise<void> {
    if (this.#engine.state.erasures.awaited().length === 0) return;
    const { probeWithheld } = await import('./erasure-run');
    probeWithheld(this.#engine);
  }

  /** Completes in the background what the end of a hold has erased. What fails is completed by the next call of `erase`. */
  released(): void {
    const { erasing, environment } = this.#engine;
    const signal = this.#lifetime.ended;
    const settle = async () => {
      const { settledBy, settleErasure } = await import('./erasure-run');
      for (const receipt of settledBy(this.#engine)) {
        if (signal.aborted) return;
        await settleErasure(this.#engine, receipt, { signal });
      }
    };
    if (this.#engine.state.receipts.count === 0) return;
    const settled = this.#lifetime.write(() => erasing.run(settle));
    void settled.catch((error) => {
      if (signal.aborted) return;
      const message = 'An erasure that a legal hold had kept could not be completed. Erase the same again.';
      environment.logger.warn(message, { error: messageOf(error) });
    });
  }

  async #plan(
    target: ErasureTarget,
    { keepAuthored, mentions }: Pick<ParsedErasureOptions, 'keepAuthored' | 'mentions'>,
    signal: AbortSignal,
  ): Promise<ErasurePlan> {
    return inTurns(planErasure(this.#engine.state, target, defined({ keepAuthored, mentions })), signal);
  }
}

/** Runs a search step by step. Other calls run between two steps. */
export async function inTurns<T>(steps: Generator<void, T>, signal?: AbortSignal): Promise<T> {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    signal?.throwIfAborted();
    await nextTurn();
  }
}

type ParsedErasureOptions = { readonly [K in keyof ErasureOptions]: ErasureOptions[K] | undefined };

/** @throws INVALID_INPUT: the store would keep the name with the reason */
function assertNamesNobody(reason: string | undefined, names: readonly string[]): void {
  if (reason === undefined || !names.some((name) => reason.toLowerCase().includes(name.toLowerCase()))) return;
  const message =
    'expected a reason that does not name the subject, because the store keeps it. Give the number of a request.';
  throw invalidInput([{ path: ['options', 'reason'], message }], 'erase');
}
