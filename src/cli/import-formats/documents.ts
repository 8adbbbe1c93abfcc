import { decoded, type JsonLine, jsonLines } from '../lines';
import { isFields } from './format';

/**
 * Reads what other programs write: one JSON document that is a list, or an object that holds one under one of these names, or JSON
 * Lines. Read whole. Items are numbered from 1. What else such an object holds lists of is a problem of its own.
 */
export async function* listDocument(
  pieces: AsyncIterable<Uint8Array | string>,
  names: readonly string[],
): AsyncGenerator<JsonLine> {
  const parts: Uint8Array[] = [];
  for await (const piece of pieces) parts.push(Buffer.from(piece as Uint8Array));
  const bytes = Buffer.concat(parts);
  const document = documentIn(bytes);
  if ('value' in document) yield* itemsOf(document.value, names);
  else if (document.isLines) yield* jsonLines(once(bytes));
  else yield { number: 1, problem: document.problem };
}

type Document = { value: unknown } | { isLines: boolean; problem: string };

function documentIn(bytes: Uint8Array): Document {
  const text = decoded(bytes);
  if (text === undefined || text.trim() === '') return { isLines: true, problem: '' };
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    // Lines, where the first one makes sense by itself. Half a document would have a problem on each of its lines.
    const problem = `begins neither a JSON document nor JSON Lines: ${(error as Error).message}`;
    return { isLines: isJson(text.trimStart().split('\n', 1)[0] as string), problem };
  }
}

function* itemsOf(document: unknown, names: readonly string[]): Generator<JsonLine> {
  const name = isFields(document) ? names.find((each) => Array.isArray(document[each])) : undefined;
  const list = name === undefined ? document : (document as Record<string, unknown>)[name];
  for (const [i, value] of (Array.isArray(list) ? list : [list]).entries()) yield { number: i + 1, value };
  if (name === undefined) return;
  const others = Object.entries(document as object).filter(([other, value]) => other !== name && hasItems(value));
  for (const [other, value] of others)
    yield { number: 0, problem: `holds ${value.length} "${other}" that are not imported.` };
}

function hasItems(value: unknown): value is unknown[] {
  return Array.isArray(value) && value.length > 0;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
