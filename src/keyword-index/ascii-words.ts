/** For each byte, its lower case if it is a letter or digit of ASCII, otherwise 0. */
const wordBytes = new Uint8Array(256);
for (const letter of 'abcdefghijklmnopqrstuvwxyz0123456789') {
  wordBytes[letter.charCodeAt(0)] = letter.charCodeAt(0);
  wordBytes[letter.toUpperCase().charCodeAt(0)] = letter.charCodeAt(0);
}

/** For each byte, 1 if it joins the words before and after it to a run. */
const joinerBytes = new Uint8Array(256);
for (const joiner of '-_./\\@') joinerBytes[joiner.charCodeAt(0)] = 1;
const comma = 44;
const apostrophe = 39;

// Known words lie in as many places of 32 bytes: its hash, its length, and its letters. The words of most stores fit.
const places = 2 ** 16;
const placeBytes = 32;
const lengthAt = 4;
const lettersAt = 5;
// Longer words are rarely repeated.
const maxKnownLength = placeBytes - lettersAt;
// A word lies in one of so many neighbouring places, so that no text can make the search long.
const placesPerWord = 4;
// From the 32-bit FNV-1a hash (http://www.isthe.com/chongo/tech/comp/fnv/).
const hashOffset = 0x811c9dc5;
const hashPrime = 0x01000193;
// Longer texts are rare. They would keep more memory.
const maxBytes = 2 ** 16;

export interface AsciiTokens {
  /** Returns the token of letters and digits, all in lower case. */
  ofWord(word: string): string;
  /** Returns the tokens of a run of several words, or of one word with capital letters in it: see `compounds.ts`. */
  ofRun(run: string): string | readonly string[];
  /** Returns 1 if a word in lower case is common in English, 2 if it may tell another language, and otherwise 0. */
  evidenceOf(word: string): 0 | 1 | 2;
}

/**
 * Finds the tokens of ASCII texts. It remembers the token of each word in a table by the letters of the word, so that it makes no string for
 * a word that it knows. That takes a quarter of the time of a regular expression and a `Map`, and leaves no garbage.
 */
export class AsciiWords {
  readonly #tokensOf: AsciiTokens;
  readonly #bytes = Buffer.allocUnsafeSlow(maxBytes);
  readonly #words = new Uint8Array((places + placesPerWord) * placeBytes);
  readonly #hashes = new Int32Array(this.#words.buffer);
  /** For each known word, 0 if it does not tell the language of a text, 1 if it is English, 2 if it is not. */
  readonly #evidence = new Uint8Array(places + placesPerWord);
  /** How many words of the text are common in English, and in other languages. */
  #english = 0;
  #foreign = 0;
  readonly #tokens: string[] = new Array(places + placesPerWord).fill('');

  constructor(tokensOf: AsciiTokens) {
    this.#tokensOf = tokensOf;
  }

  /**
   * Returns the tokens of a text, in order and with repetitions. Undefined if the text is too long or not ASCII. 'foreign' if its common words
   * are probably not English.
   *
   * @param asUnknown Returns the tokens also then.
   */
  analyze(text: string, asUnknown = false): string[] | 'foreign' | undefined {
    // A unit takes at most three bytes.
    if (text.length * 3 > maxBytes - 2) return undefined;
    const bytes = this.#bytes;
    const length = bytes.write(text, 0);
    // In UTF-8, each unit beyond ASCII takes more bytes than one.
    if (length !== text.length) return undefined;
    bytes[length] = 0;
    bytes[length + 1] = 0;
    this.#english = 0;
    this.#foreign = 0;
    const tokens: string[] = [];
    for (let at = 0; at < length; at++) {
      const from = at;
      let hash = hashOffset;
      let capitals = 0;
      for (let lower = wordBytes[bytes[at]!]!; lower > 0; lower = wordBytes[bytes[++at]!]!) {
        capitals += Number(lower !== bytes[at]);
        bytes[at] = lower;
        hash = Math.imul(hash ^ lower, hashPrime);
      }
      if (at === from) continue;
      if (
        isJoiner(bytes, at, from) ||
        (capitals > 1 && capitals < at - from) ||
        (capitals === 1 && !isCapital(text, from))
      ) {
        at = endOfRun(bytes, at, from);
        const found = this.#tokensOf.ofRun(text.slice(from, at));
        if (typeof found === 'string') tokens.push(found);
        else for (const token of found) tokens.push(token);
      } else tokens.push(this.#tokenOf(from, at, hash));
    }
    return this.#foreign > this.#english && !asUnknown ? 'foreign' : tokens;
  }

  /** Returns the token of the word from `from` to `to`. */
  #tokenOf(from: number, to: number, hash: number): string {
    const bytes = this.#bytes;
    const words = this.#words;
    const first = (hash ^ (hash >>> 15)) & (places - 1);
    let free = first;
    for (let place = first; place < first + placesPerWord; place++) {
      if (this.#hashes[place * (placeBytes / 4)] === hash && this.#isAt(place, from, to)) {
        this.#count(this.#evidence[place]!);
        return this.#tokens[place]!;
      }
      if (words[place * placeBytes + lengthAt] === 0) {
        free = place;
        break;
      }
    }
    const word = bytes.toString('latin1', from, to);
    const token = this.#tokensOf.ofWord(word);
    const evidence = this.#tokensOf.evidenceOf(word);
    this.#count(evidence);
    if (to - from <= maxKnownLength) {
      this.#hashes[free * (placeBytes / 4)] = hash;
      words[free * placeBytes + lengthAt] = to - from;
      words.set(bytes.subarray(from, to), free * placeBytes + lettersAt);
      this.#tokens[free] = token;
      this.#evidence[free] = evidence;
    }
    return token;
  }

  #count(evidence: number): void {
    this.#english += Number(evidence === 1);
    this.#foreign += Number(evidence === 2);
  }

  #isAt(place: number, from: number, to: number): boolean {
    const bytes = this.#bytes;
    const words = this.#words;
    const start = place * placeBytes;
    if (words[start + lengthAt] !== to - from) return false;
    for (let at = from, other = start + lettersAt; at < to; at++) if (bytes[at] !== words[other++]) return false;
    return true;
  }
}

/** Whether a capital letter stands at the start of a word that has one. */
function isCapital(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 65 && unit <= 90;
}

/** Whether the byte is between two words of one run. The word before it begins at `start`. */
function isJoiner(bytes: Buffer, at: number, start: number): boolean {
  const byte = bytes[at]!;
  if (joinerBytes[byte] === 1) return wordBytes[bytes[at + 1]!]! > 0;
  // 10,000
  if (byte === comma) return isDigit(bytes[at - 1]!) && areDigits(bytes, at + 1) && wordBytes[bytes[at + 4]!] === 0;
  // O'Brien
  return byte === apostrophe && at - start <= 2 && areWordBytes(bytes, at + 1);
}

function isDigit(byte: number): boolean {
  return byte >= 48 && byte <= 57;
}

function areDigits(bytes: Buffer, at: number): boolean {
  return isDigit(bytes[at]!) && isDigit(bytes[at + 1]!) && isDigit(bytes[at + 2]!);
}

function areWordBytes(bytes: Buffer, at: number): boolean {
  return wordBytes[bytes[at]!]! > 0 && wordBytes[bytes[at + 1]!]! > 0 && wordBytes[bytes[at + 2]!]! > 0;
}

/** Returns where a run ends whose first word is from `start` to `end`. */
function endOfRun(bytes: Buffer, end: number, start: number): number {
  let [from, at] = [start, end];
  while (isJoiner(bytes, at, from)) {
    from = ++at;
    while (wordBytes[bytes[at]!]! > 0) at++;
  }
  return at;
}
