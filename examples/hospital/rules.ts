import { allow, clear, type Declaration, deny, group, role } from 'multi-agent-memory';

/** The people and programs of the house, as the host knows them once they have logged in. */
export const people = {
  okafor: { userId: 'dr-okafor' },
  lindqvist: { userId: 'dr-lindqvist' },
  mori: { userId: 'trainee-mori' },
  vance: { userId: 'researcher-vance' },
  adler: { userId: 'compliance-adler' },
  cardioAssistant: { agentId: 'cardio-assistant' },
  psychAssistant: { agentId: 'psych-assistant' },
  deIdentifier: { serviceId: 'de-identifier' },
  companion: { agentId: 'companion' },
} as const;

export const cardiology = ['hospital', 'cardiology'];
export const psychiatry = ['hospital', 'psychiatry'];
export const research = ['research'];
export const letters = (patient: string) => ['letters', patient];

/** Who may do what in this hospital: all of it, on one page. */
export const rules: Declaration[] = [
  // A care team reads, writes and corrects the notes of its ward.
  role('clinician', ['read', 'write', 'update']),
  group('cardiology-team', [people.okafor, people.cardioAssistant]),
  group('psychiatry-team', [people.lindqvist, people.psychAssistant]),
  allow({ group: 'cardiology-team' }, 'clinician', cardiology),
  allow({ group: 'psychiatry-team' }, 'clinician', psychiatry),

  // Psychotherapy notes are tagged: only who is cleared sees them, on whichever ward.
  clear(people.lindqvist, 'psychotherapy', psychiatry),

  // Trainees learn on every ward but one.
  group('trainees', [people.mori]),
  allow({ group: 'trainees' }, 'reader', ['hospital']),
  deny({ group: 'trainees' }, ['read'], psychiatry),

  // Researchers see what the de-identifier has put there, and nothing else. It puts in, and cannot take out.
  allow(people.deIdentifier, ['read'], cardiology),
  allow(people.deIdentifier, ['write'], research),
  allow(people.vance, 'reader', research),

  // Letters to patients: doctors drop them in; a patient, and the agent that acts for one, read their own.
  allow({ group: 'cardiology-team' }, ['write'], ['letters']),
  allow({ userId: 'patient-17' }, 'reader', letters('patient-17')),
  allow({ userId: 'patient-23' }, 'reader', letters('patient-23')),
  allow(people.companion, 'reader', ['letters']),

  // Who answers for privacy asks who read what. It gives no look at the notes themselves.
  allow(people.adler, 'auditor', []),
];
