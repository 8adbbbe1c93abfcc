import { MemoryStore } from 'multi-agent-memory';

/** The texts of all revisions in a store. */
export class StoreContents {
  /** What `verify` found. */
  readonly problems: readonly string[];
  /** The texts of each memory by id, one for each revision. */
  readonly histories = new Map<string, (string | undefined)[]>();
  readonly #idsByText = new Map<string, string[]>();

  private constructor(problems: readonly string[]) {
    this.problems = problems;
  }

  static async read(folder: string): Promise<StoreContents> {
    await using store = await MemoryStore.open(folder);
    const { problems } = await store.verify();
    const contents = new StoreContents(problems.map((problem) => JSON.stringify(problem)));
    for await (const { id } of store.admin.list({ limit: 1_000, include: ['superseded'] })) {
      const history = await store.admin.history(id);
      contents.#add(
        id,
        history.map(({ memory }) => memory?.text),
      );
    }
    return contents;
  }

  /** The ids of the memories that have, or had, this text: one for each revision with it. */
  idsOf(text: string): readonly string[] {
    return this.#idsByText.get(text) ?? [];
  }

  #add(id: string, texts: (string | undefined)[]): void {
    this.histories.set(id, texts);
    for (const text of texts) if (text !== undefined) this.#idsByText.set(text, [...this.idsOf(text), id]);
  }
}
