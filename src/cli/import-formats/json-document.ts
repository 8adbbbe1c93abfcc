import { decodeUtf8, type JsonLine, jsonLines } from '../json-lines';
import { isJsonObject } from './import-format';

/**
 * Reads a JSON document that is a list, or an object that has a list under one of the given names. Also reads JSON Lines. The whole
 * input is kept in memory. Items are numbered from 1. If the object contains other lists, each is reported as a problem, because it
 * is not imported.
 */
export async function* readListDocument(
  pieces: AsyncIterable<Uint8Array | string>,
  listNames: readonly string[],
): AsyncGenerator<JsonLine> {
  const bytes = await readBytes(pieces);
  const document = parseDocument(bytes);
  if ('value' in document) yield* listItems(document.value, listNames);
  else if (document.isLines) yield* jsonLines(singlePiece(bytes));
  else yield { number: 1, problem: document.problem };
}

/** The text of a whole input; undefined if it is not UTF-8. */
export async function readText(pieces: AsyncIterable<Uint8Array | string>): Promise<string | undefined> {
  return decodeUtf8(await readBytes(pieces));
}

async function readBytes(pieces: AsyncIterable<Uint8Array | string>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const piece of pieces) parts.push(Buffer.from(piece as Uint8Array));
  return Buffer.concat(parts);
}

type ParsedDocument = { value: unknown } | { isLines: boolean; problem: string };

function parseDocument(bytes: Uint8Array): ParsedDocument {
  const text = decodeUtf8(bytes);
  if (text === undefined || text.trim() === '') return { isLines: true, problem: '' };
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    // Reads the input as JSON Lines if its first line is valid JSON. An incomplete document would otherwise give a problem for each
    // of its lines.
    const problem = `neither a complete JSON document nor JSON Lines: ${(error as Error).message}`;
    return { isLines: isJson(text.trimStart().split('\n', 1)[0] as string), problem };
  }
}

function* listItems(document: unknown, listNames: readonly string[]): Generator<JsonLine> {
  const object = isJsonObject(document) ? document : undefined;
  const name = listNames.find((each) => Array.isArray(object?.[each]));
  const list = object === undefined || name === undefined ? document : object[name];
  for (const [i, value] of (Array.isArray(list) ? list : [list]).entries()) yield { number: i + 1, value };
  if (object === undefined || name === undefined) return;
  for (const [other, value] of Object.entries(object)) {
    if (other !== name && Array.isArray(value) && value.length > 0)
      yield { number: 0, problem: `the list "${other}" cannot be imported (entries: ${value.length}).` };
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

async function* singlePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
