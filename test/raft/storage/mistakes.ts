import { fileURLToPath } from 'node:url';
import { type Edit, loadBrokenModule } from '../../mistakes/broken-library';

/** A mistake in the storage of a node. */
export interface StorageMistake {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** What must find it: cuts of the power, or damaged files. */
  readonly foundBy: 'cuts' | 'damage';
}

type Fragment = readonly [file: string, from: string, to: string];

const cutMistake = (name: string, ...fragments: readonly Fragment[]) => storageMistake(name, 'cuts', fragments);
const damageMistake = (name: string, ...fragments: readonly Fragment[]) => storageMistake(name, 'damage', fragments);

function storageMistake(
  name: string,
  foundBy: StorageMistake['foundBy'],
  fragments: readonly Fragment[],
): StorageMistake {
  return { name, foundBy, edits: fragments.map(([file, from, to]) => ({ file: `raft/storage/${file}.ts`, from, to })) };
}

/** Mistakes that lose what was confirmed, or serve something else, each in a copy of the storage. */
export const storageMistakes: readonly StorageMistake[] = [
  cutMistake('entries are not synced', [
    'segment-log',
    'await Promise.all(segments.map((segment) => this.#syncSegment(segment)));',
    'await Promise.all(segments.map(() => undefined));',
  ]),
  cutMistake('a vote is not synced', ['hard-state-file', 'await this.#file.sync();', 'await Promise.resolve();']),
  cutMistake('a new segment is not synced', ['segment', 'await file.syncNew();', '']),
  cutMistake('the name of a new segment is not synced', [
    'segment',
    'await folder.sync();',
    'await Promise.resolve();',
  ]),
  cutMistake('the description of a snapshot is not synced', [
    'storage-files',
    'await file.syncNew();\n    } catch',
    '} catch',
  ]),
  cutMistake('the name of the description of a snapshot is not synced', [
    'storage-files',
    'this.finish(name);\n    await this.sync();',
    'this.finish(name);',
  ]),
  cutMistake('a start does not sync what it finds', ['node-files', 'syncFound(found, [folder, log, snapshots]);', '']),
  cutMistake('a start does not sync the names that it finds', [
    'node-files',
    'for (const folder of folders) folder.syncNow();',
    '',
  ]),
  cutMistake('a record claims that entries of the same sync are durable', [
    'segment-storage',
    'this.#log.append(fresh, this.#durableEnd);',
    'this.#log.append(fresh, this.#log.end);',
  ]),
  cutMistake('the hard state tells what is durable before the sync', [
    'segment-storage',
    'this.#log.append(fresh, this.#durableEnd);',
    'this.#log.append(fresh, this.#durableEnd); this.#durableEnd = this.#log.end;',
  ]),
  cutMistake('the commit index is stored before its entries are durable', [
    'segment-storage',
    'commit: Math.min(commit, this.#durableIndex)',
    'commit',
  ]),
  cutMistake('entries may reach the disk before the vote of their term', [
    'segment-storage',
    '(isVote || this.#savesRunning > 0 || !this.#log.hasRoomFor(entries))',
    '!this.#log.hasRoomFor(entries)',
  ]),
  cutMistake('a snapshot may reach the disk before earlier entries', [
    'segment-storage',
    'if (this.#durableEnd < this.#log.end) await this.#synced();',
    '',
  ]),
  cutMistake('a missing record is not noticed', [
    'log-scan',
    '!isGap && found.header.previous === this.#lastRecord',
    'true',
  ]),
  cutMistake('every interrupted write counts as damage', [
    'log-scan',
    'if (found.header.durableEnd > this.#end)',
    'if (found.header.durableEnd > 0)',
  ]),
  cutMistake('purged entries are erased before the hard state knows', [
    'segment-storage',
    'this.#log.dropUpTo(index);',
    'this.#log.dropUpTo(index); await this.#erase(start.logStart);',
  ]),
  cutMistake('a purge forgets the record before the first one', [
    'segment-log',
    'return { logStart: position, logPrevious: previous };',
    'return { logStart: position, logPrevious: 0 };',
  ]),
  cutMistake('a start does not finish the installation of a snapshot', [
    'node-files',
    'if (scanned.places.term(index) === term) return next;',
    'if (scanned.places.term(index) === term || index > 0) return next;',
  ]),
  damageMistake('the end of the log is cut off though it was durable', [
    'log-scan',
    'else if (this.#damage === undefined && this.#end < durableEnd)',
    'else if (this.#damage === undefined && this.#end < durableEnd && durableEnd < 0)',
  ]),
  damageMistake('the checksum of a record is not compared', [
    'record-codec',
    'return crc32c(bytes.subarray(at + headerBytes, at + header.length), (salt ^ offset) >>> 0) === header.bodyChecksum;',
    'return salt !== offset;',
  ]),
  damageMistake('the checksum of the header of a record is not compared', [
    'record-codec',
    'if (bytes.readUInt32LE(at + 44) !== crc32c(bytes.subarray(at, at + 44), seed)) return undefined;',
    'if (seed < 0) return undefined;',
  ]),
  damageMistake('the older slot is used if the newer one is damaged', [
    'hard-state-file',
    'if (!intact.some((copy) => copy.slot === slot))',
    'if (intact.length === 0)',
  ]),
  damageMistake('the checksum of the hard state is not compared', [
    'hard-state-file',
    'crc32c(copy.subarray(0, checkedBytes)) !== copy.readUInt32LE(checkedBytes)',
    'copy.readUInt32LE(checkedBytes) < 0',
  ]),
  damageMistake(
    'the checksum of the identity is not compared',
    ['identity-file', 'if (!isValid || content.checksum !== checksumOf(identity))', 'if (!isValid)'],
    ['node-files', 'if (state.node !== identity.node)', 'if (state.node < 0)'],
  ),
  damageMistake('the checksum of a snapshot is not compared', [
    'snapshot-records',
    "return crc32c(Buffer.from(content)).toString(16).padStart(checksumLength, '0');",
    "return ''.padStart(checksumLength, content === '' ? '1' : '0');",
  ]),
];

/** What finds mistakes, over a copy of the storage. */
export interface Finders {
  readonly runCuts: typeof import('./recovery').runCuts;
  readonly findDamage: typeof import('./damage').findDamage;
}

/** Builds the finders with a mistake in the storage. */
export function loadFinders(edits: readonly Edit[]): Promise<Finders> {
  return loadBrokenModule({
    contents: `export { runCuts } from './recovery'; export { findDamage } from './damage';`,
    folder: fileURLToPath(new URL('.', import.meta.url)),
    edits,
  });
}
