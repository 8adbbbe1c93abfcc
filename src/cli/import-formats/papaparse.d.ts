/** What the CSV format uses of papaparse, which has no types of its own. */
declare module 'papaparse' {
  interface Parsed<T> {
    readonly data: readonly T[];
    /** `row` counts rows of data from 0. Absent for a problem of the whole file, such as a separator that cannot be found. */
    readonly errors: readonly { readonly row?: number; readonly message: string }[];
    readonly meta: { readonly fields?: readonly string[] };
  }
  const papa: {
    parse<T>(text: string, options: { readonly header: true; readonly skipEmptyLines: 'greedy' }): Parsed<T>;
  };
  export default papa;
}
