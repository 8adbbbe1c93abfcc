/**
 * Sentences with gaps, for the kinds of text that WordNet lacks: what people say, ask, report, caption and note down. Written for
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
