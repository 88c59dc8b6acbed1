// Starts the timeline when its page is there.

import { TimelinePage } from "./page.js";

const root = document.getElementById("timeline");
if (root) Object.assign(window, { timeline: new TimelinePage(root) });
