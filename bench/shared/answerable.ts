/** A text, a question that it answers, and a question about something near that no text of the set answers. */
export interface AnswerableText {
  readonly text: string;
  readonly answerable: string;
  readonly unanswerable: string;
}

const lines = `
Anna Berg prefers to be contacted by e-mail, never by phone.|How should we reach Anna Berg?|What is the home address of the Olsen family?
The refund for order 4417 was paid to the customer's bank account on Monday.|Where did the refund for order 4417 go?|Which courier lost the parcel with the lamps?
Our deployment pipeline runs on GitHub Actions and takes about eleven minutes.|How long does a deployment take?|Who pays for the cloud storage of the archive?
Marco is allergic to peanuts and carries an injector.|What is Marco allergic to?|Which medicine does Julia take against migraine?
The warehouse in Leeds closes at six in the evening on weekdays.|When does the Leeds warehouse close?|How many forklifts stand in the harbour?
Priya moved from Mumbai to Toronto two years ago.|Where did Priya live before Toronto?|In which year did Stefan graduate?
The staging database is a copy of production without personal data.|Does staging contain personal data?|Which team owns the billing dashboard?
Tom's daughter Lily started school in September.|What is the name of Tom's daughter?|What is the name of the neighbour's dog?
The customer wants all invoices as PDF, one file for each month.|In which format does the customer want invoices?|Which currency do suppliers in Asia ask for?
Kenji plays the cello in an amateur orchestra every Thursday.|Which instrument does Kenji play?|Which novel is Olga translating?
The API allows one hundred requests a minute for each key.|What is the rate limit of the API?|Which encryption protects the backups on tape?
Elena's flight to Lisbon leaves at seven in the morning.|When does Elena fly to Lisbon?|Which hotel did the sales team book in Vienna?
The printer on the second floor needs black toner.|What does the printer on the second floor need?|Why was the coffee machine sent back?
Samuel is a vegetarian and does not drink alcohol.|What does Samuel not eat?|What did grandmother cook at Easter?
The contract with Northwind ends on 31 December and renews for a year.|When does the Northwind contract end?|Who signed the lease of the old shop?
Fatima studies marine biology at the university in Bergen.|What does Fatima study?|Which scholarship did Pablo apply for?
We chose PostgreSQL because the team already knows it.|Why did we choose PostgreSQL?|What broke in the mobile release last spring?
The password reset link expires after thirty minutes.|How long is the reset link valid?|Which colours does the new logo have?
Grace ran her first marathon in Dublin in under four hours.|Where did Grace run a marathon?|Which swimming club did Henrik join?
Mr. Novak's car is a blue Skoda with a broken left mirror.|What is broken on Mr. Novak's car?|How much did the bicycle of the intern cost?
The garden tap must be closed before the first frost.|When must the garden tap be closed?|Which tree was struck by lightning?
Customer 88 has three seats on the business plan.|How many seats does customer 88 have?|What discount do schools receive?
The team meets every Tuesday at ten in room Copernicus.|Where does the team meet on Tuesdays?|Which caterer served the summer party?
Noah broke his wrist while climbing and cannot type this week.|What happened to Noah's wrist?|Who repaired the violin of the soloist?
The search index is rebuilt every night at two.|When is the search index rebuilt?|Which browser crashed in the demo?
Ingrid's grandmother taught her to bake cinnamon buns.|Who taught Ingrid to bake?|Which opera did the choir rehearse?
The shop in Porto sells ceramics made by local artists.|What does the shop in Porto sell?|How high is the tower of the cathedral?
Visitors must wear a badge and be accompanied at all times.|What must visitors wear?|Who feeds the fish in the lobby?
David quit his job at the bank to open a bookstore.|Why did David quit his job?|Which inheritance did the cousins argue about?
The heating in the Oslo office is controlled by a thermostat in the kitchen.|Where is the thermostat of the Oslo office?|When does the ferry to the island leave?
Chen wants weekly summaries in Mandarin.|In which language does Chen want summaries?|Which dialect does the actor imitate?
The laptop of the trainee has 32 gigabytes of memory.|How much memory does the trainee's laptop have?|Which satellite was launched on Friday?
Nora's appointment with the dentist was moved to the fourteenth.|When is Nora's dentist appointment?|Which vaccine does the traveller need?
The build fails when the path contains spaces.|When does the build fail?|Who painted the ceiling of the chapel?
Hugo collects stamps from countries that no longer exist.|What does Hugo collect?|Which recipe won the contest?
Unpaid invoices are sent to collection after sixty days.|What happens to invoices that are not paid?|How deep is the lake behind the mill?
`;

/** Written for this measurement, before it was made. */
export const answerableTexts: readonly AnswerableText[] = lines
  .trim()
  .split('\n')
  .map((line) => {
    const [text, answerable, unanswerable] = line.split('|') as [string, string, string];
    return { text, answerable, unanswerable };
  });

/** Questions about the people and things of the texts that no text answers: the hard kind. */
export const nearMisses: readonly string[] = `
How old is Anna Berg?
What did order 4417 contain?
Who wrote the deployment pipeline?
Where was Marco born?
Who manages the warehouse in Leeds?
What is Priya's job?
How large is the staging database?
What does Tom do for a living?
How often does the customer buy?
Who conducts Kenji's orchestra?
Who designed the API?
How much did Elena's flight cost?
Who bought the printer on the second floor?
How tall is Samuel?
What does Northwind produce?
How old is Fatima?
Which version of PostgreSQL do we use?
How long must a password be?
Who trained with Grace?
Where does Mr. Novak live?
What grows in the garden?
In which city is customer 88?
Who leads the team meeting?
Where does Noah climb?
In which language is the search index written?
Where was Ingrid's grandmother born?
Who owns the shop in Porto?
Where do visitors park?
How old is David?
How many people work in the Oslo office?
Where does Chen work?
Who is the trainee?
What is the name of Nora's dentist?
Which language is the build script written in?
How old is Hugo?
Which company collects unpaid invoices?`
  .trim()
  .split('\n');
