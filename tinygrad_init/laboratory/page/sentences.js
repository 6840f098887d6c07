// The library's sentences in Chinese. It writes them from parts around numbers, so they are translated by part.

import { getLanguage } from "./i18n.js";
import { STRINGS } from "./strings.js";

/** Whole questions, then sentences, then phrases that stand in several of them. @type {[RegExp, string][]} */
const PARTS = [
  [/^Does the signal arrive\?$/, "信号传到了吗？"],
  [/^Does the gradient arrive\?$/, "梯度传到了吗？"],
  [/^Are the units different\?$/, "单元互不相同吗？"],
  [/^Are they alive\?$/, "单元都活着吗？"],
  [/^What should I do\?$/, "该怎么办？"],
  [/^Yes: rms z is (\S+) at the last layer, (\S+) at the first\.$/, "是：末层 rms z 为 $1，首层为 $2。"],
  [/^Yes: (?=∂C)/, "是："],
  [/^Yes: no two units of a hidden layer are the same\.$/, "是：隐藏层中没有两个相同的单元。"],
  [/^Yes: in every hidden layer most units answer to their input\.$/, "是：每个隐藏层的多数单元对输入有反应。"],
  [/∂C\/∂z is (\S+) at the last layer and still (\S+) at the first/, "末层 ∂C/∂z 为 $1，首层仍有 $2"],
  [/∂C\/∂z falls from (\S+) at the last layer to (\S+) at the first, but the first layer's updates are not small beside the others'/, "∂C/∂z 从末层的 $1 减小到首层的 $2，但首层的更新与其他层相比并不小"],
  [/^No, (\w+) at layer (\d+): /, "否，{$1}（第 $2 层）："],
  [/^No, (\w+): /, "否，{$1}："],
  [/what comes out of module (\S+) is no longer finite/, "模块 $1 的输出不再是有限数"],
  [/(∂C\/∂[zW]) is no longer finite/, "$1 不再是有限数"],
  [/the loss became (\S+) in epoch (\d+): the steps are too large/, "损失在第 $2 轮变为 $1：更新步长过大"],
  [/the loss is (-?inf|nan)/, "损失为 $1"],
  [/(\S+) and (\S+) hold the same random numbers: one seed or generator was used twice/, "$1 与 $2 的随机数完全相同：同一个种子或生成器用了两次"],
  [/z grows from (\S+) at the first layer to (\S+) here; /, "z 从首层的 $1 增大到这里的 $2；"],
  [/the loss starts at ([^\s,]+)/, "初始损失为 $1"],
  [/the loss is ([^\s,]+)/, "损失为 $1"],
  [/rms z is (\S+) at the output: /, "输出层 rms z 为 $1："],
  [/, (\S+) times that of the best constant prediction \((\S+)\)/, "，是最佳常数预测（$2）的 $1 倍"],
  [/^Mostly: layer (\d+) has (\d+) different units of (\d+)\.$/, "大体是：第 $1 层的 $3 个单元中有 $2 个互不相同。"],
  [/([\d.e+-]+) of the inputs' numbers are infinite or NaN/, "输入中占比 $1 的数值为无穷大或 NaN"],
  [/all samples have the same input: there is nothing to learn from/, "所有样本的输入都相同：没有可学的东西"],
  [/the inputs' root mean square is (\S+) \(their mean (\S+)\), so rms z is (\S+) instead of about 1/, "输入的均方根为 $1（均值 $2），因此 rms z 为 $3，而不是 1 左右"],
  [/∂C\/∂W is nothing but rounding error in (.+?): the contributions cancel/, "∂C/∂W 只是舍入误差（$1）：各项贡献相互抵消"],
  [/z is exactly 0 on every sample in /, "在所有样本上 z 恰为 0："],
  [/z shrinks from (\S+) at the first layer to (\S+) here/, "z 从首层的 $1 缩小到这里的 $2"],
  [/rms z is (\S+), but only (\S+) of it depends on the input: what is left comes from the biases/, "rms z 为 $1，但其中只有 $2 取决于输入：其余来自偏置"],
  [/‖∂C\/∂z‖ grows by a factor of (\S+) from the output to the first layer/, "从输出到首层 ‖∂C/∂z‖ 增大为 $1 倍"],
  [/‖∂C\/∂z‖ falls by a factor of (\S+) from the output to the first layer/, "从输出到首层 ‖∂C/∂z‖ 缩小到 1/$1"],
  [/([+-](?:[\d.]+|inf)) decades from (.+?)(?=[,)])/g, "$2 贡献 $1 个数量级"],
  [/its (\d+) units are identical and get identical updates: the layer is worth one unit/, "$1 个单元完全相同，更新也相同：整层只相当于一个单元"],
  [/ \(they differ, but only by rounding\)/, "（差别仅来自舍入）"],
  [/; the gradient of the weights is exactly 0 in /, "；权重梯度恰为 0："],
  [/its (\d+) units are (\d+) different ones, each several times/, "$1 个单元中只有 $2 种，各重复多次"],
  [/∂C\/∂W is exactly 0 in (.+?) and stays so on these samples: /, "在这些样本上 ∂C/∂W 恰为 0 并将一直如此（$1）："],
  [/∂C\/∂W is exactly 0 in (.+?): /, "∂C/∂W 恰为 0（$1）："],
  [/layer (\d+) can wake in step (\d+)/, "第 $1 层可在第 $2 步醒来"],
  [/, layer (\d+) not before step (\d+)/, "，第 $1 层不早于第 $2 步"],
  [/(\d+%) of its units have slope 0 on every sample (at the start|after training): nothing passes through them/, "$2，$1 的单元在所有样本上导数为 0：梯度无法通过"],
  [/(\d+%) of its units are on the flat part of (\S+) (at the start|after training) \(rms z (\S+)\)/, "$3，$1 的单元处在 $2 的饱和区（rms z 为 $4）"],
  [/at the start(?=，)/, "初始时"],
  [/after training(?=，)/, "训练后"],
  [/; loss (\S+) to (\S+)/, "；损失从 $1 到 $2"],
  [/, which is hardly any progress: the start is not to blame, look at the learning rate and the epochs/, "，几乎没有进展：问题不在初始化，请检查学习率和训练轮数"],
  [/Draw the weights at random, each by itself: (.+?), biases 0\./, "让每个权重各自随机：$1，偏置取 0。"],
  [/Draw all layers from one generator, not from one seed each\./, "所有层使用同一个随机数生成器，不要各用一个种子。"],
  [/Use (.+?) and biases 0, so that the weights carry the signal\./, "使用 $1，偏置取 0，让权重传递信号。"],
  [/Use (.+?), biases 0 and a smaller learning rate, or an activation with a slope on both sides\./, "使用 $1，偏置取 0，并降低学习率；或换用正负两侧导数都不为 0 的激活函数。"],
  [/Bring z down to about 1: use (.+?)\.(?=\s|$)/, "把 z 降到 1 左右：使用 $1。"],
  [/Find out where the inputs' infinities and NaN come from; no network survives them\./, "查明输入中的无穷和 NaN 从何而来；任何网络都受不了。"],
  [/Look at how the inputs are made: every sample has the same\./, "检查输入是怎样生成的：每个样本都一样。"],
  [/Scale the inputs: every feature to mean 0 and variance 1 \(tgi\.data\.StandardScaler\)\./, "缩放输入：使每个特征均值为 0、方差为 1（tgi.data.StandardScaler）。"],
  [/Look at the loss: it does not depend on the outputs, or it is at its minimum already\./, "检查损失：它不依赖输出，或者已在最小值。"],
  [/The weights have the start that suits the activation: at this depth and width that is not enough\. Use residual connections or normalization, or fewer and wider layers\./, "权重已采用适合该激活函数的初始化：在此深度和宽度下仍不够。请用残差连接或归一化，或改用更少而更宽的层。"],
  [/Change the activation: (\S+) alone costs (\S+) decades a layer, and no start makes its slope larger than 1\/4\. Use relu with He's start, or tanh with Xavier's\./, "更换激活函数：仅 $1 每层就损失 $2 个数量级，任何初始化都不能让其导数超过 1/4。改用 ReLU 配 He 初始化，或 tanh 配 Xavier 初始化。"],
  [/Use (.+?); at this batch, weights (\S+) times as large would keep the gradient's size from layer to layer/, "使用 $1；就这一批数据而言，把现有权重乘以 $2 可使梯度逐层保持大小"],
  [/; or clip its norm/, "；或截断其范数"],
  [/Use (.+?), and biases 0; or clip the gradient\./, "使用 $1，偏置取 0；或截断梯度。"],
  [/Use (.+?), and biases 0\./, "使用 $1，偏置取 0。"],
  [/Nothing: the start is healthy/, "无需改动：初始化良好"],
  [/Nothing: the network is healthy/, "无需改动：网络状态正常"],
  [/, and the loss has no slope/, "，损失的梯度已为 0"],
  [/; a step of plain gradient descent changes weights by (\S+)\.$/, "；一步普通梯度下降改变权重的比例为 $1。"],
  [/Keep the start; /, "保留当前初始化；"],
  [/Keep the network; /, "保留当前网络；"],
  [/a step of plain gradient descent changes weights by (\S+): try a learning rate near (\S+) instead of (\S+)\.$/, "一步普通梯度下降改变权重的比例为 $1：试试把学习率从 $3 改为 $2 左右。"],
  [/the loss derivative is 0/g, "损失的导数为 0"],
  [/φ' is 0 on every sample that sends a gradient/g, "φ′ 在所有传来梯度的样本上为 0"],
  [/the next layer's weights are 0/g, "下一层的权重为 0"],
  [/whatever it feeds gets no gradient itself/g, "它所连接的单元自己也没有梯度"],
  [/the layer's input is 0 on every sample/g, "该层输入在所有样本上为 0"],
  [/no sample has both an input and a gradient there/g, "没有样本同时具有输入和梯度"],
  [/the samples' \(or units'\) contributions cancel exactly/g, "各样本（或单元）的贡献恰好抵消"],
  [/it is too small for the dtype/g, "数值小到数据类型无法表示"],
  [/(\d+%) because /g, "$1 因为 "],
  [/layers (\d+) to (\d+)/g, "第 $1 至 $2 层"],
  [/layers ([\d, ]+\d)/g, "第 $1 层"],
  [/layer (\d+)/g, "第 $1 层"],
  [/the critical start of (\w+) \(tgi\.init\.critical\)/g, "$1 的临界初始化（tgi.init.critical）"],
  [/^(\w+): no critical point(?: with sigma_b = 0 that signals reach)?; the variance-preserving gain (\S+) is used, with which squared gradients change by (\S+) a layer(.*)$/,
    "$1：没有信号能到达的临界点；改用保持方差的增益 $2，此时梯度平方每层变为 $3 倍$4"],
  [/^There is no verdict: /, "无法诊断："],
  [/(He|LeCun|Xavier)'s start \(std (.+?)\)(?=[;,.，；。 ]|$)/g, "$1 初始化（标准差 $2）"],
];

/** What stood between the parts. @type {[RegExp, string][]} */
const PUNCTUATION = [
  [/\.$/, "。"],
  [/(?<=[\u4e00-\u9fff）])\. /g, "。"],
  [/。 /g, "。"],
  [/; /g, "；"],
  [/(\d), (?=\d)/g, "$1、"],
  [/, (?=[^，；。（]*贡献)/g, "，"],
  [/ \(([^()]*贡献[^()]*)\)/g, "（$1）"],
  [/([（：；，]) /g, "$1"],
  [/ (?=[（：；，。])/g, ""],
];

/**
 * A sentence of the library in Chinese.
 * @param {string} text
 * @returns {string | null} null if it is none of those that are known
 */
export function translateSentence(text) {
  const translated = PARTS.reduce((sentence, [pattern, chinese]) => sentence.replace(pattern, chinese), text);
  return translated === text ? null : PUNCTUATION.reduce((sentence, [pattern, chinese]) => sentence.replace(pattern, chinese), translated)
    .replace(/\{(\w+)\}/g, (_, word) => STRINGS[`verdict.${word}`]?.[1] ?? word);
}

/** What the library says, as it is to be shown; `lang` if that is not the page's language. @param {string} said */
export function sentence(said) {
  const text = getLanguage() === "zh" ? translateSentence(said) : said;
  return { text: text ?? said, lang: text === null ? "en" : null };
}
