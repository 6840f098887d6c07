// What only the page that is one file says, beside the Lab's own texts.

import { format } from "../scale.js";
import { STRINGS } from "../strings.js";
import { file } from "./file.js";

const clip = format(file.clip);

Object.assign(STRINGS, /** @type {Record<string, [string, string]>} */ ({
  "single.experiment": ["More settings", "更多设置"],
  "single.stack": ["Between the layers", "层与层之间"],
  "single.clip": [`Clip the gradient to the norm ${clip}`, `把梯度截断到范数 ${clip}`],
  "single.clip.long": [`A gradient that is longer than ${clip} is shortened to ${clip} before each step: its direction stays.`, `每步之前把长于 ${clip} 的梯度缩短到 ${clip}：方向不变。`],
  "single.about": ["Everything runs in this file, with the same machine as in the installed package; nothing is sent anywhere. Other activations, depths, widths and data, and the microscope are in the installed Lab:", "一切都在本文件中运行，所用机器与安装版相同，不向任何地方发送数据。其他激活函数、深度、宽度和数据，以及显微镜，见安装版实验室："],
  "option.batch": ["batch normalization", "批归一化"],
  "option.layer": ["layer normalization", "层归一化"],
  "option.plain": ["nothing", "无"],
  "option.residual": ["residual connections", "残差连接"],
}));
