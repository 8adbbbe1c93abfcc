import { needOf } from './boost';

// Most records are far apart in memory, and a computer needs longer to load one than to compare it. Loading so many at once brings them into
// the cache in the time of a few.
const batch = 16;
const cacheLine = 64;
const headerBytes = 16;

/**
 * Estimates the dot products of one query with many vectors of bytes, 32 dimensions at a time. Finds those that may be as large as needed,
 * and returns their number.
 *
 * The record of a vector has `stride` bytes. Three float32 come first: the scale, the length of what rounding changed in the vector, and the
 * length of what leaving out the low half of each byte changes. 16 * `blocks` bytes with the high halves of all bytes follow, and as many with
 * the low halves. A component is its byte, less 128, multiplied by the scale. The query has 32 * `blocks` signed 16-bit integers within
 * ±2047, and two float32 before them: its length, and the length of what rounding changed in it. `total` is the sum of its integers.
 *
 * Of most vectors only the high halves are read, because they tell that the vector is far away. A second loop reads the low halves of the
 * others. An estimate differs from the dot product by at most `error`, see `ByteVectors`. An estimate from high halves differs by at
 * most the same error with the other length, if `certainty` is 1. With less, it may rarely differ by more.
 *
 * Each product is at most 2047 * 127, so with up to 8,192 dimensions the last sum fits into 32 bits. The sums before may overflow, and
 * the last one is right nevertheless, because it is the same modulo 2 ** 32.
 *
 * What is needed is `least`, or less if there are `boosts`, see boost.ts.
 */
export function scanBytes(
  query: usize,
  blocks: i32,
  total: i32,
  queryScale: f32,
  certainty: f32,
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
  const halfBytes = blocks << 4;
  const queryLength = load<f32>(query);
  const queryResidual = load<f32>(query, 4);
  const values = query + headerBytes;
  let near = 0;
  let touched = 0;
  for (let i = 0; i < count; i++) {
    if (i % batch === 0) {
      const end = min(i + batch, count);
      for (let next = i; next < end; next++) {
        touched |= touchedRecord(byteRecordAt(slots, next, records, stride), headerBytes + halfBytes);
      }
    }
    const record = byteRecordAt(slots, i, records, stride);
    const scale = load<f32>(record) * queryScale;
    const residual = load<f32>(record, 8);
    const error = certainty * queryLength * residual + queryResidual * (<f32>1 + residual) + kernelError;
    const sum = halvesTotal(record + headerBytes, values, blocks);
    // The mean of the low half is 7.5.
    const rough = (<f32>(16 * (<f64>sum) - 120.5 * (<f64>total))) * scale;
    if (rough + error < needOf(least, boosts, i, boostWeight, boostHalf)) continue;
    const to = (<usize>near) << 2;
    store<u32>(places + to, i);
    store<i32>(estimates + to, sum);
    near++;
  }

  let found = 0;
  for (let each = 0; each < near; each++) {
    if (each % batch === 0) {
      const end = min(each + batch, near);
      for (let next = each; next < end; next++) {
        const place = load<u32>(places + ((<usize>next) << 2));
        touched |= touchedRecord(byteRecordAt(slots, place, records, stride) + headerBytes + halfBytes, halfBytes);
      }
    }
    const from = (<usize>each) << 2;
    const i = load<u32>(places + from);
    const record = byteRecordAt(slots, i, records, stride);
    const residual = load<f32>(record, 4);
    const error = queryLength * residual + queryResidual * (<f32>1 + residual) + kernelError;
    const sum = 16 * load<i32>(estimates + from) + halvesTotal(record + headerBytes + halfBytes, values, blocks);
    const estimate = (<f32>(sum - 128 * total)) * (load<f32>(record) * queryScale);
    if (estimate + error < needOf(least, boosts, i, boostWeight, boostHalf)) continue;
    const to = (<usize>found) << 2;
    store<u32>(places + to, i);
    store<f32>(estimates + to, estimate);
    store<f32>(errors + to, error);
    found++;
  }
  // The condition is never true. It only prevents the compiler from removing the loads that fill the cache.
  return found > count ? touched : found;
}

/** The dot product of the query and integers from 0 to 15. Each 16 bits have four of them, which are eight dimensions apart. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function halvesTotal(from: usize, values: usize, blocks: i32): i32 {
  const lowBits = i16x8.splat(15);
  let sums = i32x4.splat(0);
  let at = values;
  const end = from + ((<usize>blocks) << 4);
  for (let bytes = from; bytes < end; bytes += 16) {
    const v = v128.load(bytes);
    const first = i32x4.dot_i16x8_s(v128.and(v, lowBits), v128.load(at));
    const second = i32x4.dot_i16x8_s(v128.and(i16x8.shr_u(v, 4), lowBits), v128.load(at, 16));
    const third = i32x4.dot_i16x8_s(v128.and(i16x8.shr_u(v, 8), lowBits), v128.load(at, 32));
    const fourth = i32x4.dot_i16x8_s(i16x8.shr_u(v, 12), v128.load(at, 48));
    sums = i32x4.add(sums, i32x4.add(i32x4.add(first, second), i32x4.add(third, fourth)));
    at += 64;
  }
  return (
    i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1) + i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3)
  );
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function touchedRecord(from: usize, bytes: i32): i32 {
  let touched = load<i32>(from + bytes - 4);
  for (let line = 0; line < bytes; line += cacheLine) touched |= load<i32>(from + line);
  return touched;
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function byteRecordAt(slots: usize, i: i32, records: usize, stride: i32): usize {
  return records + (<usize>load<u32>(slots + ((<usize>i) << 2))) * (<usize>stride);
}
