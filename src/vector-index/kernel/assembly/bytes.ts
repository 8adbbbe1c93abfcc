import { needOf } from './boost';

// If few of the vectors are visible, their records are far apart in memory. Loading a record this many steps ahead brings it into
// the cache in time. This halves the time of a search in which one vector of five is visible.
const ahead = 8;
const cacheLine = 64;
const headerBytes = 16;

/**
 * Estimates the dot products of one query with many vectors of signed bytes, 16 dimensions at a time. Finds those that may be as large as
 * needed, and returns their number.
 *
 * The record of a vector has `stride` bytes. Four float32 come first: the scale, the length of what rounding changed in the vector, and the
 * lengths of the rounded vector after `block1` and after `block2` blocks. 16 * `blocks` signed bytes follow, padded with zeros. A component is
 * its byte multiplied by the scale. The query has 16 * `blocks` signed 16-bit integers within ±2047, and four float32 before them: its length,
 * the length of what rounding changed in it, and the lengths of its rounded form after `block1` and after `block2`. Each product is at most
 * 2047 * 127, so with up to 8,192 dimensions the sums fit into 32 bits.
 *
 * An estimate differs from the dot product by at most `error`, see `ByteVectors`. After `block1` and `block2`, the rest of
 * the dot product is at most the product of both lengths (the Cauchy-Schwarz inequality). A vector that cannot reach what is needed is left
 * there.
 *
 * What is needed is `least`, or less if there are `boosts`, see boost.ts.
 */
export function scanBytes(
  query: usize,
  blocks: i32,
  block1: i32,
  block2: i32,
  queryScale: f32,
  records: usize,
  stride: i32,
  slots: usize,
  count: i32,
  least: f32,
  boosts: usize,
  boostWeight: f32,
  boostHalf: f32,
  kernelError: f32,
  places: usize,
  estimates: usize,
  errors: usize,
): i32 {
  const touchedBytes = min(stride, headerBytes + (block1 << 4));
  const queryLength = load<f32>(query);
  const queryResidual = load<f32>(query, 4);
  const queryRest1 = load<f32>(query, 8);
  const queryRest2 = load<f32>(query, 12);
  let found = 0;
  let touched = 0;
  for (let i = 0; i < count; i++) {
    const later = byteRecordAt(slots, min(i + ahead, count - 1), records, stride);
    for (let line = 0; line < touchedBytes; line += cacheLine) touched |= load<i32>(later + line);

    const record = byteRecordAt(slots, i, records, stride);
    const scale = load<f32>(record) * queryScale;
    const residual = load<f32>(record, 4);
    const error = queryLength * residual + queryResidual * (<f32>1 + residual) + kernelError;
    const need = needOf(least, boosts, i, boostWeight, boostHalf);
    let bytes = record + headerBytes;
    let at = query + headerBytes;
    let sums = i32x4.splat(0);
    let block = 0;
    for (; block < block1; block++) {
      sums = i32x4.add(sums, blockSums(bytes, at));
      bytes += 16;
      at += 32;
    }
    if ((<f32>total(sums)) * scale + queryRest1 * load<f32>(record, 8) + error < need) continue;
    for (; block < block2; block++) {
      sums = i32x4.add(sums, blockSums(bytes, at));
      bytes += 16;
      at += 32;
    }
    if ((<f32>total(sums)) * scale + queryRest2 * load<f32>(record, 12) + error < need) continue;
    for (; block < blocks; block++) {
      sums = i32x4.add(sums, blockSums(bytes, at));
      bytes += 16;
      at += 32;
    }
    const estimate = (<f32>total(sums)) * scale;
    if (estimate + error < need) continue;
    const to = (<usize>found) << 2;
    store<u32>(places + to, i);
    store<f32>(estimates + to, estimate);
    store<f32>(errors + to, error);
    found++;
  }
  // The condition is never true. It only prevents the compiler from removing the loads that fill the cache.
  return found > count ? touched : found;
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function blockSums(bytes: usize, at: usize): v128 {
  const v = v128.load(bytes);
  return i32x4.add(
    i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(v), v128.load(at)),
    i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(v), v128.load(at, 16)),
  );
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function total(sums: v128): i32 {
  return (
    i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1) + i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3)
  );
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function byteRecordAt(slots: usize, i: i32, records: usize, stride: i32): usize {
  return records + (<usize>load<u32>(slots + ((<usize>i) << 2))) * (<usize>stride);
}
