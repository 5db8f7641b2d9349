import { describeChat } from "./chat.ts";

describeChat("next-app");
