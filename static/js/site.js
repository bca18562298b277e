// Small comforts of every page; each page works without them.
import { keepWhatIsTyped } from "./site/autosave.js";
import { startCountdowns } from "./site/countdown.js";
import { keepFromSendingTwice, showErrors } from "./site/forms.js";
import { switchThemeAtOnce } from "./site/theme.js";

switchThemeAtOnce();
showErrors();
keepFromSendingTwice();
startCountdowns();
keepWhatIsTyped();
