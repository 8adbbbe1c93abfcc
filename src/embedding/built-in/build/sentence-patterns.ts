/**
 * Sentence patterns for the kinds of text that WordNet lacks: speech, questions, reports, captions and notes. They were written for
 * this purpose. A gap names a kind of word (see `sentences.ts`); `:ing`, `:s` and `:ed` are forms of a verb.
 */
export const sentencePatterns: readonly string[] = `
a {person} is {contact:ing} a {thing}
a {person} is {contact:ing} the {thing}
a {person} {contact:s} a {thing} in the {place}
a man is {motion:ing} through the {place}
a woman is {contact:ing} some {food}
the man {contact:ed} the {animal}
the woman is {contact:ing} with a {thing}
a boy and a girl are {motion:ing} near the {place}
two {adjective} {animal}s are {motion:ing} in the {place}
a {adjective} {animal} {motion:s} over the {thing}
a group of {person}s {contact:s} the {thing}
a {adjective} {thing} next to a {adjective} {thing}
a {thing} on top of a {thing}
a photo of a {animal} beside a {thing}
a close up of a {plant} with {adjective} leaves
a plate of {food} and {food} on a table
someone is {contact:ing} a {adjective} {thing}
a {person} is not {contact:ing} the {thing}
there is no {thing} in the {place}
the {person} is {motion:ing} slowly
children are {contact:ing} a {thing} outside
a {person} in a {adjective} shirt {perception:s} the {event}
people are {social:ing} at the {event}
a {person} is eating {food}
a {person} is playing the guitar for a {person}
a dog is chasing a {animal} in the park
a picture of a {adjective} {place} at night
{person} killed in {place} {event}
{name} says {group} will {social} the {activity}
{group} {communication:s} {activity} after {event}
police {social} {number} {person}s over {activity}
stocks fall as {group} {communication:s} {state}
{place} {event} leaves {number} dead
{number} {person}s hurt in {event} near {place}
government to {social} new {activity} rules
{group} and {group} agree on {topic}
prices of {substance} rise {number} percent in {month}
{person}s {communication} against {activity} in the capital
court rejects {group}'s appeal over {activity}
new study links {food} to {state}
scientists find {adjective} {animal} in {place}
shares of the company {change:ed} {number} percent on {day}
the company said its profit {change:ed} to {number} million dollars in {year}
hey {name}, how are you doing?
hi {name}! how was your {event}?
hey {name}! long time no see. what have you been up to?
wow, that's {adjective}! when did you start {activity}?
that sounds {adjective}, {name}. i'm really happy for you
thanks, {name}! your support means a lot to me
thank you so much for the {thing}
good luck with your {activity}! let me know how it goes
i can't wait to {contact} it with my family
congrats on the {event}, you deserve it
i'm so proud of you for {activity}
sorry to hear about your {animal}, that must be hard
take care, talk to you soon
i totally agree, {activity} is really important for {topic}
what do you think about {topic}?
have you ever tried {food}?
have you been to the {place} lately?
do you have any plans for {month}?
i went to a {event} with my {person} last {day}
i bought a new {thing} yesterday, it is so {adjective}
i've been {contact:ing} {thing}s since {year}
i started a class in {topic} last week
i love {activity}, it helps me with {feeling}
i'm thinking of becoming a {person}
i'm feeling {adjective} about the {event}
my {person} gave me a {thing} for my birthday
my {person} and i went to the {place} on {day}
my kids love {animal}s, we saw one at the {place}
my favorite food is {food} with {food}
my {body} hurts after the {event}
we had {food} and {food} for dinner
we moved to {place} {number} years ago
we're planning a trip to the {place} in {month}
last night i watched a movie about a {person} and a {animal}
last year i joined a {group} and made new friends
this is a photo of my {thing} from the {event}
here's a picture of the {animal} i adopted
it was so much fun {motion:ing} in the {place} together
it took me {number} months to {creation} this {thing}
the {event} made me think about {topic}
she told me that her {person} lost his job as a {person}
he got a job at the {group} as a {person}
{name} is going to {motion} to {place} next {month}
{name} {creation:ed} a {thing} for {name}
{name} enjoys {activity} and {activity} in her free time
{name} is allergic to {food}
{name} adopted a {animal} named {name}
{name} gave {name} a {thing} on {month} {number}
{name} wants to learn more about {topic}
{name} prefers {food} to {food}
{name} works for a {group} in {place}
{name} has {number} {animal}s
{name} believes that {topic} matters more than {topic}
when did {name} go to the {place}?
when is {name} going to the {event}?
what did {name} do at the {event}?
what did {name} buy for {name}?
what kind of {thing} does {name} have?
what does {name} like to do with her {person}?
what is {name}'s favorite {food}?
what are {name}'s plans for the {event}?
what is the name of {name}'s {animal}?
where did {name} {contact} the {thing}?
where has {name} been {motion:ing}?
who {possession:ed} the {thing} to {name}?
who is {name}'s {person}?
why did {name} {social} the {group}?
how did {name} feel about the {event}?
how long has {name} been {contact:ing} {thing}s?
how many {animal}s does {name} have?
which {place} did {name} visit in {year}?
would {name} enjoy a {event} about {topic}?
did {name} {contact} the {thing} before or after the {event}?
how do i {contact} a {thing}?
how can i {change} my {attribute}?
how much does a {thing} cost?
what is the best way to {contact} {substance}?
what is the difference between {thing} and {thing}?
what causes {state} in the {body}?
what is {topic}?
who invented the {thing}?
where can i find a {person} in {place}?
why do {animal}s {motion}?
is it safe to eat {food} with {state}?
can you {contact} a {thing} without a {thing}?
can i use {substance} in place of {substance}?
should i {social} my {person} about the {activity}?
the customer wants a refund for the {thing}
the customer complained that the {thing} was {adjective}
the order of {number} {thing}s was shipped to {place} on {month} {number}
the invoice for {month} {year} has not been paid
please {change} the {thing} before {day}
please send the {message} to {name} by {day}
the meeting with {group} is on {day} at {number} pm
{name} from {group} called about the {activity}
the user prefers {adjective} {message}s
the user asked for a {message} about {topic}
the user lives in {place} and works as a {person}
the user's budget is {number} dollars a {time}
the deployment failed because the {thing} was {adjective}
the server returned error {number} during the {activity}
restart the {thing} and check the {attribute}
we decided to use {topic} for the {activity}
the team agreed to {change} the {message} every {time}
the {person} is responsible for {activity}
remember to {contact} the {thing} every {day}
task: {change} the {attribute} of the {thing}
note: the {thing} needs {substance} and {number} {thing}s
warning: do not {contact} the {thing} while {motion:ing}
delivery to {place} takes {number} days
the password of the {thing} was changed in {month}
the contract with {group} ends in {year}
the patient reports {state} in the {body} for {number} days
add {number} cups of {food} and {contact} until {adjective}
the {attribute} of {substance} depends on its {attribute}
{activity} is a kind of {activity} in which a {person} {contact:s} a {thing}
in {year}, the {group} {creation:ed} a {adjective} {thing} in {place}
the {person} was born in {year} and became a {person}
the {animal} lives in the {place} and eats {food}
the {phenomenon} {change:ed} the {place} in {month}
the {adjective} {person} {adverb} {communication:ed} the {message}
i think that {topic} is {adjective}, but {topic} is not
it is {adjective} that the {person} did not {cognition} the {message}
you should not {consumption} {food} if you have {state}
if you {motion} to {place}, take a {thing}
although the {thing} was {adjective}, the {person} {possession:ed} it
{adjective} and {adjective}
{adjective} {thing}
{thing} made of {substance}
{topic} and {topic}
{name} {name}
{day}, {number} {month} {year}
{number}:{number} pm on {number} {month}, {year}
the {person} is {contact:ing} the {adjective} {animal}
a {animal} is {motion:ing} across the {place}
a {person} {perception:s} a {animal} in the {place}
some {person}s are {motion:ing} on the {thing}
the {person} is {creation:ing} a {thing} out of {substance}
a {person} and a {person} are {communication:ing} on a {thing}
a {person} wearing a {adjective} hat {motion:s} down the street
a young {person} is {consumption:ing} {food} in the kitchen
an old {person} with a {thing} stands near the {place}
a little girl in a red dress {contact:s} a {animal}
a man cuts the {food} with a knife
a man rides a {animal} along the beach
a woman with long hair is playing the {thing}
the {animal} is sleeping on the {thing}
the {animal} is {consumption:ing} the {food}
three {animal}s {motion} in the snow
a {adjective} car drives past a {place}
the {thing} is {adjective} and the {thing} is {adjective}
nobody is {contact:ing} the {thing}
a {person} is not {motion:ing}
{person} {social:s} {activity} talks with {group}
{person} arrested after {event} in {place}
{number} killed, {number} wounded in {event}
{group} denies {activity} claims
{group} launches new {thing}
{group} wins {event} in {place}
{place} {group} {social:s} {person}
{name} {name}, former {person}, dies at {number}
{name} {name} named new {person} of {group}
thousands flee as {phenomenon} hits {place}
{phenomenon} kills {number} in {place}
oil {change:s} above {number} dollars a barrel
the {group} said on {day} that it would {social} its {activity}
the {person} told reporters that the {activity} had {change:ed}
officials said {number} {person}s were {contact:ed} in the {event}
a spokesman for the {group} declined to comment on the {activity}
the index {change:ed} {number} points to close at {number}
the {group} reported a loss of {number} million dollars
the bill would {change} the {state} of {person}s
you should {communication} to your {person} about it
you don't need a {thing} to {contact} a {thing}
it's not possible to {change} the {thing} without {substance}
i would {cognition} the {message} first
i don't think there is a right answer to this
the answer depends on the {attribute} of the {thing}
there are many ways to {change} the {attribute} of a {thing}
the simplest solution is to {contact} the {thing}
in my experience, {activity} is worth the {possession}
yes, you can {contact} it, but {substance} is better
what should i do if my {person} {communication:s} me?
what are the best {thing}s for {activity}?
what does {topic} mean?
what are the symptoms of {state}?
how do you {creation} a {thing} from {substance}?
how often should i {contact} my {animal}?
how far is it from {place} to {place}?
how old is the {person}?
is {topic} more {adjective} than {topic}?
are {animal}s able to {motion}?
why is my {thing} so {adjective}?
why does the {body} {change} in {state}?
where do {animal}s live in {month}?
when should {plant}s be {contact:ed}?
who is responsible for {activity} in the {group}?
which {thing} should i buy for my {person}?
can {food} cause {state}?
do i need a {message} to {motion} to {place}?
the {person} wants to be {communication:ed} in the morning
the client asked us to {change} the {message}
the customer has {number} {thing}s and lives near the {place}
the customer was angry because the {thing} arrived {adjective}
the customer would like {possession} instead of a {thing}
{name} dislikes {food} and never eats {food}
{name} has a {person} called {name}
{name}'s birthday is on {month} {number}
{name} grew up in {place} and studied {topic}
{name} broke her {body} during the {event}
{name} and {name} got married in {year}
{name} is afraid of {animal}s
{name} plays the {thing} in a {group}
{name} started a {group} for {person}s with {state}
the build takes {number} minutes since the last {activity}
the service runs out of {substance} after {number} hours
use {thing} instead of {thing} for the {activity}
we chose {topic} over {topic} because it is {adjective}
do not {change} the {thing} on {day}
the release of {month} fixed the {state} of the {thing}
all {message}s must be {communication:ed} in english
the key is under the {thing} near the {place}
the budget for {activity} was {change:ed} by {number} percent
the {person} promised to {contact} the {thing} by {day}
we had so much fun at the {event} with the kids
my {person} has been {adjective} since the {event}
i've never {perception:ed} such a {adjective} {thing} before
i finally finished {creation:ing} my {thing}
i'm trying to {consumption} less {food} and more {food}
i'm looking for a {thing} for my {person}
i feel {adjective} when i'm {motion:ing} alone
i used to {contact} {thing}s with my {person} when i was young
it's been {adjective} lately, but {activity} keeps me going
no worries, we can {motion} to the {place} another time
oh no, what happened to your {thing}?
that's a {adjective} {thing}, where did you get it?
you look {adjective}, is everything okay?
how's your {person} doing after the {event}?
let's meet at the {place} at {number}
my dog {contact:ed} my {thing} yesterday
our {group} is organising a {event} to help {person}s
the kids were {communication:ing} about the {animal}s all day
we spent the weekend {motion:ing} in the {place}
`
  .trim()
  .split('\n');

/** Frames around a text, for the ways in which people say, ask or note it. */
export const frames: readonly string[] = `
{name}: {text}
{name}: {text}.
{name}: hey {name}! {text}
{name}: wow, {text}! that's {adjective}
{name}: thanks, {name}! {text}
{name}: yeah, {text}. what about you?
{name}: oh, {text}. i know how you feel
{name}: haha, {text}. we should do that again
{name}: i'm so glad that {text}
hi {name}, {text}
i think {text}
i don't think that {text}
i heard that {text}
i remember when {text}
i told {name} that {text}
my {person} says that {text}
my {person} and i noticed that {text}
{name} told me that {text}
{name} believes that {text}
{name} asked whether {text}
{name} was surprised that {text}
do you think that {text}?
do you remember when {text}?
did you know that {text}?
is it true that {text}?
why do you say that {text}?
how come {text}?
what if {text}?
yes, {text}
no, {text}
well, {text}, you know
honestly, {text}
sorry, {text}
last week {text}
yesterday {text}
on {day} {text}
in {month} {year} {text}
{text}, right?
{text}, isn't it?
{text}, and i love it
{text}, but i don't mind
{text}. what do you think?
{text}. take care!
{text}. can't wait to tell you more
{text}. it was {adjective}
{text} because of the {event}
{text}, said {name} {name}
{text}, the {person} said on {day}
{group} says {text}
the {group} announced that {text}
report: {text}
note: {text}
reminder: {text}
update for {name}: {text}
the customer says that {text}
the user mentioned that {text}
it turns out that {text}
we agreed that {text}
please make sure that {text}
it is important that {text}
if {text}, call {name}
when {text}, the {person} {communication:ed}
a picture of a {thing}: {text}
`
  .trim()
  .split('\n');

export const givenNames: readonly string[] =
  `James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara Richard Susan Joseph Jessica Thomas
  Sarah Charles Karen Christopher Lisa Daniel Nancy Matthew Betty Anthony Sandra Mark Margaret Donald Ashley Steven Kimberly Andrew
  Emily Paul Donna Joshua Michelle Kenneth Carol Kevin Amanda Brian Melissa George Deborah Timothy Stephanie Ronald Rebecca Jason
  Laura Edward Helen Jeffrey Sharon Ryan Cynthia Jacob Kathleen Gary Amy Nicholas Anna Eric Angela Jonathan Ruth Stephen Brenda
  Larry Pamela Justin Nicole Scott Katherine Brandon Virginia Benjamin Catherine Samuel Christine Frank Emma Gregory Olivia Raymond
  Sophia Alexander Isabella Patrick Julia Jack Grace Dennis Alice Jerry Rose Tyler Hannah Aaron Victoria Jose Maria Adam Diana Henry
  Clara Nathan Eva Peter Sofia Omar Fatima Ali Aisha Ahmed Leila Wei Mei Hiroshi Yuki Raj Priya Ivan Olga Lars Ingrid Pierre Claire
  Carlos Lucia Marco Giulia Sam Max Kim Alex`.split(/\s+/);

export const months = 'January February March April May June July August September October November December'.split(
  ' ',
);
export const days = 'Monday Tuesday Wednesday Thursday Friday Saturday Sunday'.split(' ');
