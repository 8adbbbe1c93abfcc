/**
 * Compares a store, the reference evaluator and Cedar under generated policies, and then under generated ceilings of trust:
 * `tsx test/access/run.ts --policies N --ceilings N --seed S`. If two of them differ, it prints the smallest case that it found and exits with code 1. The same seed gives the same cases.
 */
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { cases } from './cases';
import { Distribution } from './distribution';
import { play } from './play';
import { playTrust, trustCases } from './trust-policies';
import { levels } from './trust-reference';

const { values } = parseArgs({
  options: {
    policies: { type: 'string', default: '10000' },
    ceilings: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
  },
});
const policies = whole('policies', values.policies);
const ceilings = whole('ceilings', values.ceilings);
const seed = whole('seed', values.seed);
const atATime = 250;

const distribution = new Distribution();
const began = performance.now();
let calls = 0;
let cedarRequests = 0;

try {
  for (let played = 0; played < policies; ) {
    const numRuns = Math.min(atATime, policies - played);
    const property = fc.asyncProperty(cases, async (given) => {
      const figures = await play(given, distribution);
      calls += figures.calls;
      cedarRequests += figures.cedarRequests;
    });
    // Each part has its own seed, so that the first parts are the same for any number of policies.
    await fc.assert(property, { seed: seed + played, numRuns });
    played += numRuns;
    const perSecond = (1_000 * played) / (performance.now() - began);
    console.log(`  ${String(played).padStart(6)} policies, ${perSecond.toFixed(1)} a second`);
  }
  report();
  await playCeilings();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  if (error instanceof Error && error.cause instanceof Error) console.error(error.cause.stack);
  console.error(
    `Violated. To see it again: tsx test/access/run.ts --policies ${policies} --ceilings ${ceilings} --seed ${seed}`,
  );
  process.exitCode = 1;
}

async function playCeilings(): Promise<void> {
  const trust = [0, 0, 0, 0];
  let requests = 0;
  for (let played = 0; played < ceilings; ) {
    const numRuns = Math.min(atATime, ceilings - played);
    const property = fc.asyncProperty(trustCases, async (given) => {
      const figures = await playTrust(given);
      requests += figures.cedarRequests;
      for (const [level, count] of figures.trust.entries()) trust[level] = (trust[level] ?? 0) + count;
    });
    await fc.assert(property, { seed: seed + played, numRuns });
    played += numRuns;
    console.log(`  ${String(played).padStart(6)} policies with ceilings`);
  }
  const counts = levels.map((level, i) => `${level} ${trust[i]}`).join(', ');
  console.log(`All is well: ${ceilings} policies with ceilings, ${counts}, ${requests} requests to Cedar.`);
}

function report(): void {
  for (const [kind, share] of Object.entries(distribution.shares())) {
    console.log(`  ${kind.padEnd(18)} ${(100 * share).toFixed(1).padStart(5)} % of decisions`);
  }
  const answers = [...distribution.answers].sort(([one], [other]) => one.localeCompare(other));
  console.log(`  ${answers.map(([answer, count]) => `${answer} ${count}`).join(' · ')}`);
  const commands = answers.reduce((sum, [, count]) => sum + count, 0);
  const rare = distribution.tooRare();
  const seconds = Math.round((performance.now() - began) / 1_000);
  const counted = `${distribution.decisions} decisions, ${calls} reads, ${commands} commands, ${cedarRequests} requests to Cedar`;
  if (policies >= 1_000 && rare.length > 0) throw new Error(`Too rare to prove anything: ${rare.join(', ')}.`);
  console.log(`All is well: ${policies} policies with seed ${seed}, ${counted}, in ${seconds} s.`);
}

function whole(name: string, given: string): number {
  const value = Number(given);
  if (Number.isSafeInteger(value) && value > 0) return value;
  console.error(`--${name} must be a whole number above 0, not ${given}.`);
  process.exit(2);
}
