import type { Metadata, NewMemory } from '../../index';
import type { JsonLine } from '../json-lines';
import {
  contentKey,
  type ImportFormat,
  type ImportProblem,
  type ImportTarget,
  isJsonObject,
  type JsonObject,
  occurrenceCounter,
} from './import-format';
import { readListDocument, readText } from './json-document';

/**
 * CSV with a row of column names. The text is in the column that `--text-column` names; all other columns become metadata. The
 * separator is found from the first rows: comma, semicolon, tab or vertical bar.
 */
export function csvFormat(target: ImportTarget): ImportFormat {
  const { textField: column = '', namespace = ['csv'] } = target;
  const remember = recordMemories('csv', namespace);
  return {
    readDocument: (pieces) => readRows(pieces, column),
    parse: (value) => {
      const { [column]: text, ...others } = value as Record<string, string>;
      const filled = Object.entries(others).filter(([, each]) => each !== '');
      return remember(text ?? '', Object.fromEntries(filled));
    },
  };
}

/**
 * Any JSON document with a list of objects, or JSON Lines. The text is in the field that `--text-field` names, or at its path, such as
 * `message.text`; all other fields become metadata.
 */
export function jsonFormat(target: ImportTarget): ImportFormat {
  const { textField: field = '', namespace = ['json'] } = target;
  const remember = recordMemories('json', namespace);
  return {
    readDocument: (pieces) =>
      readListDocument(pieces, ['items', 'results', 'data', 'records', 'memories', 'messages', 'rows']),
    parse: (value) => {
      if (!isJsonObject(value)) return { problem: 'not an object: expected an object with the text in a field.' };
      const text = valueAt(value, field);
      if (typeof text !== 'string' || text.trim() === '') return fieldProblem(field, value);
      return remember(text, withoutPath(value, Object.hasOwn(value, field) ? [field] : field.split('.')));
    },
  };
}

function recordMemories(format: string, namespace: readonly string[]) {
  const occurrenceOf = occurrenceCounter();
  return (text: string, metadata: Metadata): NewMemory => ({
    text,
    namespace,
    source: { channel: 'import', ref: format },
    metadata,
    idempotencyKey: contentKey(format, namespace, text, metadata, occurrenceOf(text, metadata)),
  });
}

function valueAt(object: JsonObject, path: string): unknown {
  if (Object.hasOwn(object, path)) return object[path];
  let inner: unknown = object;
  for (const step of path.split('.'))
    inner = isJsonObject(inner) && Object.hasOwn(inner, step) ? inner[step] : undefined;
  return inner;
}

/** A copy without the value at a path, and without the objects on the path that hold nothing else. */
function withoutPath(object: JsonObject, [step, ...rest]: readonly string[]): Metadata {
  const entries = Object.entries(object).flatMap(([name, value]) => {
    if (name !== step) return [[name, value]];
    if (rest.length === 0 || !isJsonObject(value)) return [];
    const left = withoutPath(value, rest);
    return Object.keys(left).length === 0 ? [] : [[name, left]];
  });
  return Object.fromEntries(entries) as Metadata;
}

function fieldProblem(field: string, value: JsonObject): ImportProblem {
  const names = Object.keys(value).slice(0, 20).join(', ');
  return { problem: `no text in the field "${field}". Fields of the object: ${names}.` };
}

async function* readRows(pieces: AsyncIterable<Uint8Array | string>, column: string): AsyncGenerator<JsonLine> {
  const text = await readText(pieces);
  if (text === undefined) return yield { number: 0, problem: 'invalid UTF-8.' };
  const { default: papa } = await import('papaparse');
  const { data, errors, meta } = papa.parse<Record<string, string>>(text, { header: true, skipEmptyLines: 'greedy' });
  const columns = meta.fields ?? [];
  if (!columns.includes(column))
    return yield { number: 0, problem: `no column "${column}". Columns of the file: ${columns.join(', ')}.` };
  const problems = new Map(errors.map(({ row, message }) => [row, message]));
  for (const [i, row] of data.entries()) {
    const problem = problems.get(i);
    const number = i + 1;
    if (problem !== undefined) yield { number, problem: `invalid row: ${problem}.` };
    else yield (row[column] ?? '').trim() === '' ? { number, skipped: 'rows without text' } : { number, value: row };
  }
}
