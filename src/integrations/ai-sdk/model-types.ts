/**
 * What versions 6 and 7 of the AI SDK have in common where a model is called (specifications v3 and v4). Their own types fit these,
 * so that one middleware serves both and neither has to be there.
 */

/** A part of a message, or of what a model made: text, a file, a call of a tool and more. */
export interface ContentPart {
  readonly type: string;
}

/** One message of a prompt. */
export interface PromptMessage {
  readonly role: string;
  readonly content: string | readonly ContentPart[];
}

/** How a model is called. */
export interface ModelCall {
  readonly prompt: readonly PromptMessage[];
  readonly abortSignal?: AbortSignal | undefined;
}

/** What a model answered. */
export interface ModelResult {
  readonly content: readonly ContentPart[];
  readonly finishReason: { readonly unified: string };
}

/** One part of a streamed answer. */
export interface StreamPart {
  readonly type: string;
}

/** A streamed answer. */
export interface ModelStream {
  readonly stream: ReadableStream<StreamPart>;
}
