import type { Incident, IncidentSelection, MinTrust, Principal } from '../../index';
import type { Command } from '../cli-command';
import type { CommandLine } from '../command-line';
import { readStore, trustOptions, writeStore } from '../command-store';
import { oneOf, timeText } from '../option-checks';
import { principalOf, principalOptions, principalProblems } from '../principal-options';
import { exitCodes } from '../terminal';

const dryRun = { 'dry-run': { help: 'only print what would change' } } as const;

/** `trust list`: prints incidents, or memories in quarantine. */
export const trustListCommand: Command = {
  summary: 'Prints the incidents, the oldest first, or the memories in quarantine, one JSON object a line.',
  usage: 'FOLDER',
  argumentCount: [1, 1],
  options: { memories: { help: 'print the memories in quarantine' } },
  examples: [
    ['trust list ./memory', 'the incidents with the ids of their memories'],
    ['trust list ./memory --memories', 'the memories with their texts'],
  ],
  run: (line, terminal) =>
    readStore(line, terminal, async ({ trust }) => {
      if (!line.flag('memories')) {
        for (const incident of await trust.incidents()) await terminal.print(JSON.stringify(incident));
        return exitCodes.success;
      }
      let cursor: string | undefined;
      do {
        const page = await trust.quarantined(cursor === undefined ? {} : { cursor });
        for (const memory of page.items) await terminal.print(JSON.stringify(memory));
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      return exitCodes.success;
    }),
};

/** `trust anomalies`: prints what is unusual about recent writes. */
export const trustAnomaliesCommand: Command = {
  summary: 'Prints what is unusual about recent writes, one JSON object a line: bursts, floods, first writes, copies.',
  usage: 'FOLDER',
  argumentCount: [1, 1],
  options: {
    since: { valueName: 'TIME', help: 'look at writes since then; default: 24 hours ago', check: timeText },
  },
  examples: [['trust anomalies ./memory --since=2026-03-01T00:00:00Z', 'what was unusual since March']],
  run: (line, terminal) =>
    readStore(line, terminal, async ({ trust }) => {
      const since = line.text('since');
      const options = { ...(since === undefined ? {} : { since }), signal: terminal.signal };
      for (const anomaly of await trust.anomalies(options)) await terminal.print(JSON.stringify(anomaly));
      return exitCodes.success;
    }),
};

/** `trust contain`: puts memories into quarantine. */
export const trustContainCommand: Command = {
  summary: 'Puts memories into quarantine, with everything that depends on them. Only the host can read them then.',
  usage: 'FOLDER [ID...]',
  argumentCount: [1, 10_000],
  options: {
    agent: { valueName: 'ID', help: 'what this agent wrote or changed, for itself or for a user' },
    user: { valueName: 'ID', help: 'what this user wrote or changed, or an agent on its behalf' },
    service: { valueName: 'ID', help: 'what this service wrote or changed' },
    'on-behalf-of': { valueName: 'ID', help: 'with --agent or --service: only what it did for this user' },
    since: { valueName: 'TIME', help: 'only what was written or changed since then', check: timeText },
    ref: { valueName: 'TEXT', help: 'memories with this reference in their source' },
    'selected-only': { help: 'leave out what depends on the selected memories' },
    ...dryRun,
    ...trustOptions,
  },
  examples: [
    ['trust contain ./memory --agent=crawler --since=2026-03-01T00:00:00Z --dry-run', 'what would be contained'],
    ['trust contain ./memory --agent=crawler', 'contain it; prints the incident'],
  ],
  usageProblems: (line) => [
    ...principalProblems(line),
    ...(isEmpty(selectionOf(line)) ? ['Give ids, --agent, --user, --service or --ref.'] : []),
  ],
  run: (line, terminal) =>
    writeStore(line, terminal, async ({ trust }) => {
      const options = { dryRun: line.flag('dry-run'), derived: !line.flag('selected-only') };
      await terminal.print(JSON.stringify(await trust.contain(selectionOf(line), options)));
      return exitCodes.success;
    }),
};

/** `trust release`: takes memories out of quarantine. */
export const trustReleaseCommand: Command = {
  summary: 'Gives contained memories the state again that they had before.',
  usage: 'FOLDER INCIDENT | FOLDER ID...',
  argumentCount: [2, 10_000],
  options: {
    reason: { valueName: 'TEXT', help: 'is kept with the incident' },
    ...dryRun,
    ...trustOptions,
  },
  examples: [
    ['trust release ./memory incident-0123456789abcdef --reason="false alarm"', 'all memories of an incident'],
  ],
  run: (line, terminal) =>
    writeStore(line, terminal, async ({ trust }) => {
      const [first = '', ...others] = line.args.slice(1);
      const incidents = await trust.incidents();
      const incident = others.length > 0 ? undefined : incidents.find(({ id }) => id === first);
      const reason = line.text('reason');
      const isIncident = incident !== undefined || first.startsWith('incident-');
      const target = isIncident && others.length === 0 ? first : [first, ...others];
      const released = line.flag('dry-run')
        ? held(incidents, target)
        : await trust.release(target, reason === undefined ? {} : { reason });
      await terminal.print(JSON.stringify({ released }));
      return released.length > 0 ? exitCodes.success : exitCodes.failure;
    }),
};

/** `trust revert`: undoes the changes of an incident. */
export const trustRevertCommand: Command = {
  summary: 'Undoes what the principals of an incident changed, shared and superseded, where nobody else wrote since.',
  usage: 'FOLDER INCIDENT',
  argumentCount: [2, 2],
  options: { ...dryRun, ...trustOptions },
  examples: [['trust revert ./memory incident-0123456789abcdef --dry-run', 'what would be restored, and conflicts']],
  run: (line, terminal) =>
    writeStore(line, terminal, async ({ trust }) => {
      const result = await trust.revert(line.args[1] as string, { dryRun: line.flag('dry-run') });
      await terminal.print(JSON.stringify(result));
      return result.conflicts.length === 0 ? exitCodes.success : exitCodes.failure;
    }),
};

/** `trust endorse`: raises the trust of memories. */
export const trustEndorseCommand: Command = {
  summary: 'States that memories may be relied on. Their trust rises up to --as, until their content changes.',
  usage: 'FOLDER ID...',
  argumentCount: [2, 10_000],
  options: {
    as: {
      valueName: 'TRUST',
      help: 'how far: reported, standard or verified; needed',
      check: oneOf('reported', 'standard', 'verified'),
    },
    ...dryRun,
    ...principalOptions,
    ...trustOptions,
  },
  examples: [
    ['trust endorse ./memory 0198c0de-0000-7000-8000-000000000001 --as=standard --dry-run', 'the trust it has now'],
    ['trust endorse ./memory 0198c0de-0000-7000-8000-000000000001 --as=standard --agent=ann', 'endorse as an agent'],
  ],
  usageProblems: (line) => [
    ...principalProblems(line),
    ...(line.isGiven('as') ? [] : ['Give --as: reported, standard or verified.']),
  ],
  run: (line, terminal) =>
    writeStore(line, terminal, async (_, handle) => {
      const as = line.text('as') as MinTrust;
      let isComplete = true;
      for (const id of line.args.slice(1)) {
        const found = await handle.get(id, { signal: terminal.signal });
        const endorsed =
          found === undefined || line.flag('dry-run')
            ? found
            : await handle.endorse(found.id, { as, ifRevision: found.revision });
        isComplete &&= endorsed !== undefined;
        await terminal.print(JSON.stringify({ id: found?.id ?? id, trust: endorsed?.trust ?? null }));
      }
      return isComplete ? exitCodes.success : exitCodes.failure;
    }),
};

/** `trust explain`: explains the trust of a memory. */
export const trustExplainCommand: Command = {
  summary: 'Prints the trust of a memory, its ceilings and sources, who changed it and who was given it.',
  usage: 'FOLDER ID',
  argumentCount: [2, 2],
  options: {},
  examples: [['trust explain ./memory 0198c0de-0000-7000-8000-000000000001', 'one JSON object']],
  run: (line, terminal) =>
    readStore(line, terminal, async ({ trust }) => {
      await terminal.print(JSON.stringify(await trust.explain(line.args[1] as string)));
      return exitCodes.success;
    }),
};

function selectionOf(line: CommandLine): IncidentSelection {
  const ids = line.args.slice(1);
  const by: Principal | undefined = principalOf(line);
  const [since, ref] = [line.text('since'), line.text('ref')];
  return {
    ...(by === undefined ? {} : { by }),
    ...(since === undefined ? {} : { since }),
    ...(ref === undefined ? {} : { ref }),
    ...(ids.length === 0 ? {} : { ids }),
  };
}

function isEmpty({ by, ref, ids }: IncidentSelection): boolean {
  return by === undefined && ref === undefined && ids === undefined;
}

/** The memories that a release would take out of quarantine. */
function held(incidents: readonly Incident[], target: string | readonly string[]): string[] {
  const holding = (id: string) => incidents.filter(({ memories }) => memories.some((memory) => memory.id === id));
  if (typeof target !== 'string') return target.filter((id) => holding(id).length > 0);
  const memories = incidents.find(({ id }) => id === target)?.memories ?? [];
  return memories.flatMap(({ id }) => (holding(id).length === 1 ? [id] : []));
}
