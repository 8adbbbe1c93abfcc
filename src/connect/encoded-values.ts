import { isPlain } from '../domain/parse/parse-json';
import { BrokenFrame } from './frames';

type Key = string | number;

/**
 * Something that JSON cannot hold, and where it stands: `d` a Date, `f` a Float32Array, `u` undefined, `n` a number, `b` a bigint,
 * `y` a symbol, `x` a function, `o` an instance of a class, `c` an object that holds itself, `s` the signal and `p` the progress
 * listener of the call.
 */
type Mark = readonly [
  path: readonly Key[],
  kind: 'd' | 'f' | 'u' | 'n' | 'b' | 'y' | 'x' | 'o' | 'c' | 's' | 'p',
  data?: unknown,
];

/**
 * A value on its way to another process: JSON, and what JSON cannot hold beside it. (V8's own format costs as much, and Node
 * releases differ in it.) Nothing is lost in silence: what must be refused arrives as something that is refused there.
 */
export type Encoded = readonly [json: unknown, marks: readonly Mark[]];

/** What a call holds besides data. */
export interface CallDeps {
  signal?: AbortSignal;
  onProgress?: (progress: unknown) => void;
}

interface Step {
  readonly up: Step | undefined;
  readonly key: Key;
  readonly value: object;
}

// Deeper than anything that a store takes.
const maxDepth = 200;

/** Makes a value ready to be sent. Signals and progress listeners are put into `parts`. */
export function encodeValue(value: unknown, deps: CallDeps = {}): Encoded {
  const marks: Mark[] = [];
  return [new Loading(marks, deps).load(value, undefined, ''), marks];
}

class Loading {
  readonly #marks: Mark[];
  readonly #deps: CallDeps;

  constructor(marks: Mark[], deps: CallDeps) {
    this.#marks = marks;
    this.#deps = deps;
  }

  /** The value as JSON holds it. */
  load(value: unknown, up: Step | undefined, key: Key): unknown {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value;
      case 'number':
        return Number.isFinite(value) && !Object.is(value, -0) ? value : this.#mark('n', up, key, numberAsText(value));
      case 'object':
        return value === null ? null : this.#loadObject(value, up, key);
      case 'undefined':
        return this.#mark('u', up, key);
      case 'bigint':
        return this.#mark('b', up, key, String(value));
      case 'symbol':
        return this.#mark('y', up, key, value.description);
      case 'function':
        if (key !== 'onProgress') return this.#mark('x', up, key);
        this.#deps.onProgress = value as (progress: unknown) => void;
        return this.#mark('p', up, key);
    }
  }

  #loadObject(value: object, up: Step | undefined, key: Key): unknown {
    if (value instanceof Date) return this.#mark('d', up, key, Number.isNaN(value.getTime()) ? null : value.getTime());
    if (value instanceof Float32Array) return this.#mark('f', up, key, bytesOf(value).toString('base64'));
    if (value instanceof AbortSignal) {
      this.#deps.signal = value;
      return this.#mark('s', up, key);
    }
    let depth = 0;
    for (let step = up; step !== undefined; step = step.up) {
      depth++;
      if (step.value === value) return this.#mark('c', up, key, pathTo(step.up, step.key));
    }
    if (depth > maxDepth) return this.#mark('o', up, key);
    const here = { up, key, value };
    if (Array.isArray(value)) return this.#loadList(value, here);
    return isPlain(value) ? this.#loadFields(value, here) : this.#mark('o', up, key);
  }

  // Copies, made at once: an object may answer differently the next time.

  #loadList(list: readonly unknown[], here: Step): unknown {
    const loaded = [...list];
    for (let i = 0; i < loaded.length; i++) loaded[i] = this.load(loaded[i], here, i);
    return loaded;
  }

  #loadFields(value: object, here: Step): unknown {
    const loaded: Record<string, unknown> = { ...value };
    for (const key of Object.keys(loaded)) {
      const each = loaded[key];
      const one = this.load(each, here, key);
      if (one !== each) loaded[key] = one;
    }
    return loaded;
  }

  #mark(kind: Mark[1], up: Step | undefined, key: Key, data?: unknown): null {
    const path = pathTo(up, key);
    this.#marks.push(data === undefined ? [path, kind] : [path, kind, data]);
    return null;
  }
}

/** The value as it was sent. `parts` take the place of the sender's. */
export function decodeValue([json, marks]: Encoded, deps: CallDeps = {}): unknown {
  const root = { value: json };
  for (const [path, kind, data] of marks) {
    let holder: object = root;
    let key: Key = 'value';
    for (const step of path) {
      holder = ownOf(holder, key) as object;
      key = step;
    }
    ownOf(holder, key);
    const value = kind === 'c' ? at(root, data as readonly Key[]) : unmarked(kind, data, deps);
    (holder as Record<Key, unknown>)[key] = value;
  }
  return root.value;
}

class Foreign {}

function unmarked(kind: Mark[1], data: unknown, deps: CallDeps): unknown {
  switch (kind) {
    case 'd':
      return new Date((data as number | null) ?? Number.NaN);
    case 'f':
      return numbersIn(data as string);
    case 'n':
      return Number(data);
    case 'b':
      return BigInt(data as string);
    case 'y':
      return Symbol(data as string | undefined);
    case 'x':
      return () => undefined;
    case 'o':
      return new Foreign();
    case 's':
      return deps.signal;
    case 'p':
      return deps.onProgress;
    default:
      return undefined;
  }
}

function at(root: { value: unknown }, path: readonly Key[]): unknown {
  let found = root.value;
  for (const step of path) found = ownOf(found, step);
  return found;
}

/** Never what an object has from its prototype: a mark could reach what others share. */
function ownOf(holder: unknown, key: Key): unknown {
  if (typeof holder === 'object' && holder !== null && Object.hasOwn(holder, key)) {
    return (holder as Record<Key, unknown>)[key];
  }
  throw new BrokenFrame('A mark leads nowhere.');
}

function pathTo(up: Step | undefined, key: Key): Key[] {
  if (up === undefined) return [];
  const path: Key[] = [key];
  for (let step = up; step.up !== undefined; step = step.up) path.push(step.key);
  return path.reverse();
}

function numberAsText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

function bytesOf(vector: Float32Array): Buffer {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
}

function numbersIn(base64: string): Float32Array {
  const vector = new Float32Array(Buffer.byteLength(base64, 'base64') / Float32Array.BYTES_PER_ELEMENT);
  bytesOf(vector).write(base64, 'base64');
  return vector;
}
