import type { KeyedCall, Operation, Outcome, Version } from './history';

/** A history as a table, one row an operation in the order of invocation, with the operation that no order explains marked. */
export function historyTable(operations: readonly Operation[], marked: Operation): string {
  const header = ['', 'client', 'from', 'to', 'call', 'outcome'];
  const rows = operations
    .toSorted((one, other) => one.invokedAt - other.invokedAt)
    .map((operation) => [
      operation === marked ? '>' : '',
      operation.client,
      String(operation.invokedAt),
      operation.respondedAt === undefined || operation.outcome.type === 'unknown' ? '-' : String(operation.respondedAt),
      callText(operation.call),
      outcomeText(operation.outcome),
    ]);
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => row[column]!.length)));
  const lines = [header, ...rows].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
  const title = `Not linearizable: no order of the ${rows.length} operations with the key ${JSON.stringify(marked.key)} explains the outcome marked with ">".`;
  return [title, ...lines].join('\n');
}

function callText(call: KeyedCall): string {
  if (call.type === 'get') return call.id === undefined ? 'get by key' : `get ${call.id}`;
  if (call.type === 'remember') return `remember ${JSON.stringify(call.text)}`;
  const condition = call.ifRevision === undefined ? '' : ` if revision ${call.ifRevision}`;
  return call.type === 'forget'
    ? `forget ${call.id}${condition}`
    : `update ${call.id} to ${JSON.stringify(call.text)}${condition}`;
}

function outcomeText(outcome: Outcome): string {
  switch (outcome.type) {
    case 'remembered':
      return `${outcome.isNew ? 'stored' : 'revised'} ${outcome.id}, revision ${outcome.revision}`;
    case 'updated':
      return versionText(outcome.version);
    case 'forgotten':
      return outcome.existed ? 'forgotten' : 'nothing to forget';
    case 'got':
      return outcome.version === undefined ? 'absent' : versionText(outcome.version);
    case 'refused':
      return outcome.code;
    case 'withoutEffect':
      return 'no effect';
    case 'unknown':
      return 'unknown';
  }
}

function versionText({ id, revision, text }: Version): string {
  return `${id}, revision ${revision}, ${JSON.stringify(text)}`;
}
