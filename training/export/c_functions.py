"""The functions of C that a network may call, `real` being its dtype."""

#: By name. Sums are made in double, whatever `real` is.
FUNCTIONS = {
    "affine": """
static void affine(const real *x, const real *W, const real *b, real *out, int D, int M)
{
    for (int m = 0; m < M; m++) {
        double sum = b[m];
        for (int d = 0; d < D; d++)
            sum += (double)W[m * D + d] * (double)x[d];
        out[m] = (real)sum;
    }
}
""",
    "largest": """
/* Of M numbers in each of K pieces, the largest of each place. */
static void largest(const real *x, real *out, int K, int M)
{
    for (int m = 0; m < M; m++) {
        out[m] = x[m];
        for (int k = 1; k < K; k++)
            if (x[k * M + m] > out[m])
                out[m] = x[k * M + m];
    }
}
""",
    "scaled": """
/* (x - mean) scale + beta, for each of C channels of P pixels. */
static void scaled(const real *x, const real *mean, const real *scale, const real *beta,
                   real *out, int C, int P)
{
    for (int i = 0; i < C * P; i++) {
        int c = i / P;
        out[i] = (real)(((double)x[i] - (double)mean[c]) * (double)scale[c] + (double)beta[c]);
    }
}
""",
    "normalised": """
/* Each of G groups of M numbers with mean 0 and variance 1, then times gamma plus beta, of which
   each holds for P numbers that follow one another, and which begin anew after C. */
static void normalised(const real *x, const real *gamma, const real *beta, double eps, real *out,
                       int G, int M, int P, int C)
{
    for (int g = 0; g < G; g++) {
        const real *in = x + g * M;
        double mean = 0, var = 0;
        for (int i = 0; i < M; i++)
            mean += (double)in[i] / M;
        for (int i = 0; i < M; i++)
            var += ((double)in[i] - mean) * ((double)in[i] - mean) / M;
        for (int i = 0; i < M; i++) {
            int c = (g * M + i) / P % C;
            double unit = ((double)in[i] - mean) / sqrt(var + eps);
            out[g * M + i] = (real)(unit * (double)gamma[c] + (double)beta[c]);
        }
    }
}
""",
    "softmax": """
static void softmax(const real *x, real *out, int rows, int C)
{
    for (; rows > 0; rows--, x += C, out += C) {
        double top = (double)x[0], sum = 0;
        for (int c = 1; c < C; c++)
            top = (double)x[c] > top ? (double)x[c] : top;
        for (int c = 0; c < C; c++)
            sum += exp((double)x[c] - top);
        for (int c = 0; c < C; c++)
            out[c] = (real)(exp((double)x[c] - top) / sum);
    }
}
""",
    "sigmoid": """
static double sigmoid(double v)
{
    return v < 0 ? exp(v) / (1 + exp(v)) : 1 / (1 + exp(-v));
}
""",
    "softplus": """
static double softplus(double v)
{
    return (v > 0 ? v : 0) + log1p(exp(-fabs(v)));
}
""",
    "conv": """
/* F kernels (F, C / groups, kh, kw) over an image (C, H, W), of which `top` rows of zeros lie above
   and `left` columns beside: out (F, OH, OW). */
static void conv(const real *x, const real *W, const real *b, real *out, int C, int H, int Wd,
                 int F, int OH, int OW, int kh, int kw, int sh, int sw, int top, int left,
                 int dh, int dw, int groups)
{
    int own = C / groups;
    for (int f = 0; f < F; f++)
        for (int i = 0; i < OH; i++)
            for (int j = 0; j < OW; j++) {
                double sum = b ? (double)b[f] : 0;
                for (int c = 0; c < own; c++)
                    for (int u = 0; u < kh; u++)
                        for (int v = 0; v < kw; v++) {
                            int r = i * sh + u * dh - top, s = j * sw + v * dw - left;
                            if (r < 0 || r >= H || s < 0 || s >= Wd)
                                continue;
                            sum += (double)W[((f * own + c) * kh + u) * kw + v] *
                                   (double)x[((f / (F / groups) * own + c) * H + r) * Wd + s];
                        }
                out[(f * OH + i) * OW + j] = (real)sum;
            }
}
""",
    "spread": """
/* Each number of an image (C, H, W) times its kernel (C, F / groups, kh, kw), added up in out
   (F, OH, OW), of whose border `top` rows and `left` columns are cut off. */
static void spread(const real *x, const real *W, const real *b, real *out, int C, int H, int Wd,
                   int F, int OH, int OW, int kh, int kw, int sh, int sw, int top, int left,
                   int dh, int dw, int groups)
{
    int own = F / groups;
    for (int f = 0; f < F; f++)
        for (int y = 0; y < OH; y++)
            for (int z = 0; z < OW; z++) {
                double sum = b ? (double)b[f] : 0;
                for (int k = 0; k < C / groups; k++)
                    for (int u = 0; u < kh; u++)
                        for (int v = 0; v < kw; v++) {
                            int c = f / own * (C / groups) + k;
                            int i = y + top - u * dh, j = z + left - v * dw;
                            if (i < 0 || i % sh || i / sh >= H || j < 0 || j % sw || j / sw >= Wd)
                                continue;
                            sum += (double)W[((c * own + f % own) * kh + u) * kw + v] *
                                   (double)x[(c * H + i / sh) * Wd + j / sw];
                        }
                out[(f * OH + y) * OW + z] = (real)sum;
            }
}
""",
    "bordered": """
/* Images (C, H, W) in ones (C, OH, OW) that hold `value` around them. */
static void bordered(const real *x, real *out, double value, int C, int H, int Wd, int OH, int OW,
                     int top, int left)
{
    for (int i = 0; i < C * OH * OW; i++) {
        int c = i / (OH * OW), r = i / OW % OH - top, s = i % OW - left;
        int inside = r >= 0 && r < H && s >= 0 && s < Wd;
        out[i] = inside ? x[(c * H + r) * Wd + s] : (real)value;
    }
}
""",
    "repeated": """
/* Each number of images fh times below itself and fw times beside: out (C, OH, OW). */
static void repeated(const real *x, real *out, int C, int OH, int OW, int fh, int fw)
{
    for (int i = 0; i < C * OH * OW; i++)
        out[i] = x[(i / (OH * OW) * (OH / fh) + i / OW % OH / fh) * (OW / fw) + i % OW / fw];
}
""",
    "pool": """
/* The largest number of each window of each channel, or with `mean` the mean, to which a border
   counts as zeros. */
static void pool(const real *x, real *out, int C, int H, int Wd, int OH, int OW, int kh, int kw,
                 int sh, int sw, int top, int left, int mean)
{
    for (int c = 0; c < C; c++)
        for (int i = 0; i < OH; i++)
            for (int j = 0; j < OW; j++) {
                double sum = 0, most = -INFINITY;
                for (int u = 0; u < kh; u++)
                    for (int v = 0; v < kw; v++) {
                        int r = i * sh + u - top, s = j * sw + v - left;
                        if (r < 0 || r >= H || s < 0 || s >= Wd)
                            continue;
                        sum += (double)x[(c * H + r) * Wd + s];
                        most = fmax(most, (double)x[(c * H + r) * Wd + s]);
                    }
                out[(c * OH + i) * OW + j] = (real)(mean ? sum / (kh * kw) : most);
            }
}
""",
    "averages": """
/* The mean of each of C channels of P pixels. */
static void averages(const real *x, real *out, int C, int P)
{
    for (int c = 0; c < C; c++) {
        double sum = 0;
        for (int i = 0; i < P; i++)
            sum += (double)x[c * P + i];
        out[c] = (real)(sum / P);
    }
}
""",
}
