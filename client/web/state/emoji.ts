/**
 * Emoji by name: the ones that people use most, under the names that Discord, Element and GitHub share.
 *
 * @module
 */

const TABLE = `
grinning 😀|smiley 😃|smile 😄|grin 😁|laughing 😆|sweat_smile 😅|rofl 🤣|joy 😂|slight_smile 🙂
upside_down 🙃|wink 😉|blush 😊|innocent 😇|smiling_face_with_hearts 🥰|heart_eyes 😍|star_struck 🤩
kissing_heart 😘|yum 😋|stuck_out_tongue 😛|zany_face 🤪|hugging 🤗|shushing 🤫|thinking 🤔
neutral_face 😐|expressionless 😑|no_mouth 😶|smirk 😏|unamused 😒|rolling_eyes 🙄|grimacing 😬
relieved 😌|pensive 😔|sleepy 😪|drooling 🤤|sleeping 😴|mask 😷|nauseated 🤢|sneezing 🤧|hot 🥵
cold 🥶|dizzy_face 😵|exploding_head 🤯|cowboy 🤠|partying 🥳|sunglasses 😎|nerd 🤓|monocle 🧐
confused 😕|worried 😟|frowning 🙁|open_mouth 😮|astonished 😲|flushed 😳|pleading 🥺|anguished 😧
fearful 😨|cry 😢|sob 😭|scream 😱|disappointed 😞|sweat 😓|weary 😩|tired 😫|yawning 🥱|triumph 😤
rage 😡|angry 😠|smiling_imp 😈|skull 💀|poop 💩|clown 🤡|ghost 👻|alien 👽|robot 🤖
heart ❤️|orange_heart 🧡|yellow_heart 💛|green_heart 💚|blue_heart 💙|purple_heart 💜|black_heart 🖤
broken_heart 💔|sparkling_heart 💖|100 💯|boom 💥|sweat_drops 💦|dash 💨|zzz 💤|speech_balloon 💬
wave 👋|raised_hand ✋|ok_hand 👌|v ✌️|crossed_fingers 🤞|metal 🤘|call_me 🤙|point_left 👈
point_right 👉|point_up ☝️|point_down 👇|+1 👍|thumbsup 👍|-1 👎|thumbsdown 👎|fist ✊|punch 👊
clap 👏|raised_hands 🙌|open_hands 👐|handshake 🤝|pray 🙏|writing_hand ✍️|muscle 💪|brain 🧠|eyes 👀
eye 👁️|facepalm 🤦|shrug 🤷|bow 🙇|raising_hand 🙋|running 🏃|dancer 💃|family 👪
dog 🐶|cat 🐱|mouse 🐭|fox 🦊|bear 🐻|panda 🐼|koala 🐨|tiger 🐯|lion 🦁|cow 🐮|pig 🐷|frog 🐸
monkey 🐵|see_no_evil 🙈|hear_no_evil 🙉|speak_no_evil 🙊|chicken 🐔|penguin 🐧|bird 🐦|owl 🦉
unicorn 🦄|bee 🐝|bug 🐛|butterfly 🦋|snail 🐌|turtle 🐢|snake 🐍|octopus 🐙|fish 🐟|whale 🐳
rose 🌹|sunflower 🌻|tulip 🌷|seedling 🌱|evergreen 🌲|cactus 🌵|four_leaf_clover 🍀|mushroom 🍄
apple 🍎|banana 🍌|watermelon 🍉|strawberry 🍓|avocado 🥑|bread 🍞|cheese 🧀|pizza 🍕|hamburger 🍔
fries 🍟|taco 🌮|sushi 🍣|cookie 🍪|cake 🍰|birthday 🎂|coffee ☕|tea 🍵|beer 🍺|beers 🍻|wine 🍷
champagne 🍾|soccer ⚽|basketball 🏀|trophy 🏆|medal 🏅|dart 🎯|game 🎮|dice 🎲|guitar 🎸|musical_note 🎵
art 🎨|camera 📷|movie 🎬|car 🚗|bus 🚌|bike 🚲|airplane ✈️|rocket 🚀|ship 🚢|house 🏠|school 🏫
sun ☀️|cloud ☁️|rainbow 🌈|umbrella ☔|snowflake ❄️|snowman ⛄|fire 🔥|star ⭐|sparkles ✨|zap ⚡
moon 🌙|earth 🌍|tada 🎉|confetti 🎊|gift 🎁|balloon 🎈|christmas_tree 🎄|jack_o_lantern 🎃
computer 💻|keyboard ⌨️|phone 📱|battery 🔋|bulb 💡|book 📖|books 📚|memo 📝|pencil ✏️|paperclip 📎
pushpin 📌|calendar 📅|chart 📈|clipboard 📋|folder 📁|lock 🔒|unlock 🔓|key 🔑|hammer 🔨|wrench 🔧
gear ⚙️|link 🔗|microscope 🔬|telescope 🔭|satellite 📡|pill 💊|money 💰|email 📧|package 📦|bell 🔔
loudspeaker 📢|hourglass ⏳|alarm ⏰|warning ⚠️|no_entry ⛔|x ❌|o ⭕|white_check_mark ✅|check ✔️
question ❓|exclamation ❗|heavy_plus_sign ➕|arrow_right ➡️|arrow_left ⬅️|arrow_up ⬆️|arrow_down ⬇️
recycle ♻️|checkered_flag 🏁|triangular_flag 🚩|rainbow_flag 🏳️‍🌈|pirate_flag 🏴‍☠️
`;

/** An emoji and what it is called. */
export interface Emoji {
  readonly name: string;
  readonly emoji: string;
}

/** All of them, in the order of the picker. */
export const EMOJI: readonly Emoji[] = TABLE.trim().split(/[|\n]/).map((entry) => {
  const [name, emoji] = entry.split(" ");
  return { name, emoji };
});

const byName: ReadonlyMap<string, string> = new Map(EMOJI.map(({ name, emoji }) => [name, emoji]));

/** The emoji of a name, without colons; `undefined` if there is none. */
export function emojiNamed(name: string): string | undefined {
  return byName.get(name);
}

/** Emoji whose names have something in them, those that begin with it first. */
export function emojiFor(word: string, most: number): Emoji[] {
  const wanted = word.toLowerCase();
  const found = EMOJI.filter(({ name }) => name.includes(wanted));
  const place = ({ name }: Emoji) => Number(!name.startsWith(wanted));
  return found.sort((one, other) => place(one) - place(other)).slice(0, most);
}

/** A reaction as it is shown: one with a name becomes its emoji. */
export function reactionText(reaction: string): string {
  return /^:[^:]+:$/.test(reaction) ? emojiNamed(reaction.slice(1, -1)) ?? reaction : reaction;
}
