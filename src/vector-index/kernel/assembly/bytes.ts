// If few of the vectors are visible, their records are far apart in memory. Loading a record this many steps ahead brings it into
// the cache in time. This halves the time of a search in which one vector of five is visible.
const ahead = 8;
const cacheLine = 64;

/**
 * Computes the dot products of one query with many vectors of signed bytes, 16 dimensions at a time.
 *
 * The record of a vector has `stride` bytes: 16 * `blocks` signed bytes, padded with zeros, then a float32 scale. A component is its
 * byte multiplied by the scale. The query has 16 * `blocks` signed 16-bit integers within ±2047. Each product is at most 2047 * 127,
 * so with up to 8,192 dimensions the sums fit into 32 bits.
 *
 * The returned number has no meaning. It only prevents the compiler from removing the loads that fill the cache.
 */
export function scanBytes(
  query: usize,
  blocks: i32,
  records: usize,
  stride: i32,
  slots: usize,
  count: i32,
  estimates: usize,
): i32 {
  let touched = 0;
  for (let i = 0; i < count; i++) {
    const later = byteRecordAt(slots, min(i + ahead, count - 1), records, stride);
    for (let line = 0; line < stride; line += cacheLine) touched |= load<i32>(later + line);

    let bytes = byteRecordAt(slots, i, records, stride);
    let at = query;
    let low = i32x4.splat(0);
    let high = i32x4.splat(0);
    for (let block = 0; block < blocks; block++) {
      const v = v128.load(bytes);
      low = i32x4.add(low, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(v), v128.load(at)));
      high = i32x4.add(high, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(v), v128.load(at, 16)));
      bytes += 16;
      at += 32;
    }
    const sums = i32x4.add(low, high);
    const sum =
      i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1) + i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3);
    store<f32>(estimates + ((<usize>i) << 2), <f32>sum * load<f32>(bytes));
  }
  return touched;
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function byteRecordAt(slots: usize, i: i32, records: usize, stride: i32): usize {
  return records + (<usize>load<u32>(slots + ((<usize>i) << 2))) * (<usize>stride);
}
