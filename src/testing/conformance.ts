/** One requirement for the implementations of a port (an interface of this library), as a test case for any test runner. */
export interface ConformanceCase {
  /** The requirement, as the title of a test. */
  readonly name: string;
  /** Rejects if the implementation does not meet the requirement. */
  run(): Promise<void>;
}
