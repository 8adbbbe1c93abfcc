import { AIMessage } from '@langchain/core/messages';
import { fakeModel } from '@langchain/core/testing';

/** LangChain's own fake model in place of the reader's: it needs no network. */
export const model = fakeModel()
  .respond(new AIMessage('I will write by e-mail only.'))
  .respond(new AIMessage('By e-mail.'));
