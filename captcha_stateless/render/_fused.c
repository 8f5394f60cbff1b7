/* The fused loop: tiles from matrices to palette indices in one pass, and indices packed into a PNG's rows.

   The same to the pixel as drawing.py does it in several passes of numpy, which is what happens where this was not built.
   Nothing here trusts its arguments: lengths are compared before anything is read, matrices are asked to be as small as
   warp.py makes them, so that every sum is exact in any order, and an index past the texels reads the last of them. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

#define TERMS 6
#define MATRIX (2 * TERMS * TERMS)
#define LONGEST_SIDE 1024
#define LARGEST_SUM 512.0f       /* warp._LARGEST_SUM */
#define ROUNDING (1.5f * 65536)  /* warp._ROUNDING */
#define INDEX_BITS 15            /* inks.INDEX_BITS */
#define FILTER_UP 2              /* png._FILTER_UP */

/* The same code for processors with and without AVX2, chosen when it is loaded; sanitizers come too late for that. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("default", "avx2")))
#else
#define FOR_EACH_PROCESSOR
#endif

typedef struct {
    const uint8_t *texels;
    uint32_t last, stride;
} Sheet;

/* Sides and columns are counted in the width of a pointer: Python compiles with -fwrapv, and of an int, which may then wrap, no
   loop becomes a vector's. */
typedef struct {
    Py_ssize_t side;
    float *basis;    /* TERMS rows of side */
    float *across;   /* 2 * TERMS rows of side: a tile's matrices times the basis */
    uint32_t *front, *back;  /* side places each: a row's texels on the atlas and on the bed */
} Work;

FOR_EACH_PROCESSOR
static void go_across(const Work *work, const float *matrix)
{
    const Py_ssize_t side = work->side;
    for (int row = 0; row < 2 * TERMS; row++) {
        const float *restrict m = matrix + row * TERMS, *restrict b = work->basis;
        float *restrict to = work->across + row * side;
        for (Py_ssize_t x = 0; x < side; x++) {
            float sum = m[0] * b[x] + m[1] * b[side + x] + m[2] * b[2 * side + x] + m[3] * b[3 * side + x]
                      + m[4] * b[4 * side + x] + m[5] * b[5 * side + x];
            sum += ROUNDING;
            to[x] = sum - ROUNDING;
        }
    }
}

/* Find where a row's texels lie; unsigned, so that what would lie before the first is past the last. */
FOR_EACH_PROCESSOR
static void find(const Work *work, Py_ssize_t y, const Sheet atlas, uint32_t start, const Sheet bed, uint32_t centre)
{
    const Py_ssize_t side = work->side;
    const float *restrict a = work->across, *restrict d = a + TERMS * side, *b = work->basis + y;
    const float b0 = b[0], b1 = b[side], b2 = b[2 * side], b3 = b[3 * side], b4 = b[4 * side], b5 = b[5 * side];
    uint32_t *restrict front = work->front, *restrict back = work->back;
    for (Py_ssize_t x = 0; x < side; x++) {
        const float u = b0 * a[x] + b1 * a[side + x] + b2 * a[2 * side + x] + b3 * a[3 * side + x]
                      + b4 * a[4 * side + x] + b5 * a[5 * side + x];
        const float v = b0 * d[x] + b1 * d[side + x] + b2 * d[2 * side + x] + b3 * d[3 * side + x]
                      + b4 * d[4 * side + x] + b5 * d[5 * side + x];
        const uint32_t right = (uint32_t)(int32_t)u, down = (uint32_t)(int32_t)v;
        const uint32_t at = start + down * atlas.stride + right, behind = centre + down * bed.stride + right;
        front[x] = at < atlas.last ? at : atlas.last;
        back[x] = behind < bed.last ? behind : bed.last;
    }
}

static void fetch(const Work *work, const uint8_t *texels, uint8_t *to)
{
    for (Py_ssize_t x = 0; x < work->side; x++) to[x] = texels[work->front[x]];
}

static void fetch_both(const Work *work, const uint8_t *front, const uint8_t *back, uint8_t *to)
{
    for (Py_ssize_t x = 0; x < work->side; x++) {
        const uint8_t glyph = front[work->front[x]], foreign = back[work->back[x]];
        to[x] = glyph > foreign ? glyph : foreign;
    }
}

FOR_EACH_PROCESSOR
static void unmark(uint8_t *row, Py_ssize_t side)
{
    for (Py_ssize_t x = 0; x < side; x++) row[x] &= INDEX_BITS;
}

FOR_EACH_PROCESSOR
static void lay(uint8_t *row, const uint8_t *plane, Py_ssize_t side, int lesser)
{
    if (lesser)
        for (Py_ssize_t x = 0; x < side; x++) row[x] = row[x] < plane[x] ? row[x] : plane[x];
    else
        for (Py_ssize_t x = 0; x < side; x++) row[x] = row[x] > plane[x] ? row[x] : plane[x];
}

static int is_small(const float *values, Py_ssize_t count, float bound)
{
    float sum = 0;
    for (Py_ssize_t at = 0; at < count; at++) sum += values[at] < 0 ? -values[at] : values[at];
    return sum < bound;  /* no for what is not a number, too */
}

typedef struct {
    Py_buffer out, matrices, basis, texels, starts, bed, centres, plane, corners;
    Py_ssize_t stride, bed_stride, plane_stride;
    int lesser;
} Asked;

static const char *wrong(const Asked *asked, Py_ssize_t side, Py_ssize_t tiles)
{
    const Py_ssize_t numbers = tiles * (Py_ssize_t)sizeof(int32_t);
    if (side < 1 || side > LONGEST_SIDE || asked->basis.len != side * TERMS * (Py_ssize_t)sizeof(float)) return "basis";
    if (asked->starts.len != numbers) return "starts";
    if (tiles > INT32_MAX || asked->matrices.len / (MATRIX * (Py_ssize_t)sizeof(float)) != tiles
        || asked->matrices.len % (MATRIX * (Py_ssize_t)sizeof(float))) return "matrices";
    if (asked->out.len / side / side != tiles || asked->out.len % (side * side)) return "out";
    if (asked->texels.len < 1 || asked->texels.len > INT32_MAX || asked->stride < 1 || asked->stride > asked->texels.len)
        return "texels";
    if (asked->bed.len > INT32_MAX || (asked->bed.len && (asked->bed_stride < 1 || asked->bed_stride > asked->bed.len)))
        return "bed";
    if (asked->bed.len && asked->centres.len != numbers) return "centres";
    if (asked->plane.len && (asked->plane_stride < side || asked->plane_stride > asked->plane.len)) return "plane";
    if (asked->plane.len && asked->corners.len != numbers) return "corners";
    const Py_buffer *aligned[] = {&asked->matrices, &asked->basis, &asked->starts, &asked->centres, &asked->corners};
    for (int at = 0; at < 5; at++)
        if (aligned[at]->len && (uintptr_t)aligned[at]->buf % sizeof(float)) return "alignment";
    const float *basis = asked->basis.buf;
    for (Py_ssize_t at = 0; at < side * TERMS; at++)
        if (!(basis[at] >= -1 && basis[at] <= 1)) return "basis";
    for (Py_ssize_t at = 0; at < 2 * tiles; at++)
        if (!is_small((const float *)asked->matrices.buf + at * TERMS * TERMS, TERMS * TERMS, LARGEST_SUM)) return "matrices";
    const int32_t *corners = asked->corners.buf;
    for (Py_ssize_t at = 0; asked->plane.len && at < tiles; at++)
        if (corners[at] >= 0 && corners[at] > asked->plane.len - (side - 1) * asked->plane_stride - side) return "corners";
    return NULL;
}

static void draw_all(const Asked *asked, const Work *work, Py_ssize_t tiles)
{
    const Py_ssize_t side = work->side;
    const float *basis = asked->basis.buf;
    const int32_t *starts = asked->starts.buf, *centres = asked->centres.buf, *corners = asked->corners.buf;
    const Sheet atlas = {asked->texels.buf, (uint32_t)asked->texels.len - 1, (uint32_t)asked->stride};
    const Sheet none = {atlas.texels, 0, 0};
    const Sheet bed = {asked->bed.buf, (uint32_t)asked->bed.len - 1, (uint32_t)asked->bed_stride};
    for (Py_ssize_t x = 0; x < side; x++)
        for (int term = 0; term < TERMS; term++) work->basis[term * side + x] = basis[x * TERMS + term];
    uint8_t *row = asked->out.buf;
    for (Py_ssize_t tile = 0; tile < tiles; tile++) {
        const int backed = asked->bed.len && centres[tile] >= 0, laid = asked->plane.len && corners[tile] >= 0;
        const uint8_t *plane = laid ? (const uint8_t *)asked->plane.buf + corners[tile] : NULL;
        go_across(work, (const float *)asked->matrices.buf + tile * MATRIX);
        for (Py_ssize_t y = 0; y < side; y++, row += side) {
            find(work, y, atlas, (uint32_t)starts[tile], backed ? bed : none, backed ? (uint32_t)centres[tile] : 0);
            if (backed)
                fetch_both(work, atlas.texels, bed.texels, row);
            else
                fetch(work, atlas.texels, row);
            if (asked->bed.len) unmark(row, side);
            if (laid) lay(row, plane + y * asked->plane_stride, side, asked->lesser);
        }
    }
}

static PyObject *draw(PyObject *module, PyObject *args)
{
    (void)module;
    Asked asked = {0};
    Py_buffer *buffers[] = {&asked.out, &asked.matrices, &asked.basis, &asked.texels, &asked.starts, &asked.bed,
                            &asked.centres, &asked.plane, &asked.corners};
    if (!PyArg_ParseTuple(args, "w*y*y*(y*ny*)(y*ny*)(y*ny*p):draw", &asked.out, &asked.matrices, &asked.basis, &asked.texels,
                          &asked.stride, &asked.starts, &asked.bed, &asked.bed_stride, &asked.centres, &asked.plane,
                          &asked.plane_stride, &asked.corners, &asked.lesser))
        return NULL;
    const Py_ssize_t side = asked.basis.len / (TERMS * (Py_ssize_t)sizeof(float));
    const Py_ssize_t tiles = asked.starts.len / (Py_ssize_t)sizeof(int32_t);
    const char *what = wrong(&asked, side, tiles);
    float *room = NULL;
    if (what)
        PyErr_Format(PyExc_ValueError, "%s cannot be so", what);
    else if (!(room = PyMem_Malloc((size_t)side * (3 * TERMS * sizeof(float) + 2 * sizeof(uint32_t)))))
        PyErr_NoMemory();
    else {
        float *across = room + TERMS * side;
        uint32_t *front = (uint32_t *)(across + 2 * TERMS * side);
        const Work work = {side, room, across, front, front + side};
        Py_BEGIN_ALLOW_THREADS
        draw_all(&asked, &work, tiles);
        Py_END_ALLOW_THREADS
    }
    PyMem_Free(room);
    for (size_t at = 0; at < sizeof buffers / sizeof *buffers; at++) PyBuffer_Release(buffers[at]);
    if (PyErr_Occurred()) return NULL;
    Py_RETURN_NONE;
}

/* Put 8 / bits indices into each byte, the left one into the highest bits; a row begins with its filter's number. */
FOR_EACH_PROCESSOR
static void pack_row(const uint8_t *restrict from, uint8_t *restrict to, Py_ssize_t bytes, int bits)
{
    *to++ = 0;
    if (bits == 2)
        for (Py_ssize_t x = 0; x < bytes; x++)
            to[x] = (uint8_t)(from[4 * x] << 6 | from[4 * x + 1] << 4 | from[4 * x + 2] << 2 | from[4 * x + 3]);
    else
        for (Py_ssize_t x = 0; x < bytes; x++) to[x] = (uint8_t)(from[2 * x] << 4 | from[2 * x + 1]);
}

/* Leave of a row its difference from the one above, and say so in its first byte. */
FOR_EACH_PROCESSOR
static void subtract(const uint8_t *restrict above, uint8_t *restrict row, Py_ssize_t bytes)
{
    row[0] = FILTER_UP;
    for (Py_ssize_t x = 1; x <= bytes; x++) row[x] = (uint8_t)(row[x] - above[x]);
}

static PyObject *pack(PyObject *module, PyObject *args)
{
    (void)module;
    Py_buffer out = {0}, pictures = {0};
    Py_ssize_t height, width;
    int bits, up;
    if (!PyArg_ParseTuple(args, "w*y*nnip:pack", &out, &pictures, &height, &width, &bits, &up)) return NULL;
    const int whole = (bits == 2 || bits == 4) && height > 0 && width > 0 && width <= INT32_MAX && height <= INT32_MAX
                      && width % (8 / bits) == 0;
    const Py_ssize_t bytes = whole ? width * bits / 8 : 0, count = whole ? pictures.len / width / height : 0;
    if (!whole || pictures.len % (width * height) || out.len / (bytes + 1) / height != count || out.len % ((bytes + 1) * height))
        PyErr_SetString(PyExc_ValueError, "the pictures cannot be so");
    else {
        Py_BEGIN_ALLOW_THREADS
        for (Py_ssize_t row = 0; row < count * height; row++)
            pack_row((const uint8_t *)pictures.buf + row * width, (uint8_t *)out.buf + row * (bytes + 1), bytes, bits);
        for (Py_ssize_t row = count * height - 1; up && row > 0; row--)
            if (row % height) {
                uint8_t *here = (uint8_t *)out.buf + row * (bytes + 1);
                subtract(here - bytes - 1, here, bytes);
            }
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&out);
    PyBuffer_Release(&pictures);
    if (PyErr_Occurred()) return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"draw", draw, METH_VARARGS, "Draw tiles into a buffer; see drawing.py."},
    {"pack", pack, METH_VARARGS, "Pack pictures into the rows of PNG files; see png.py."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_fused", "The fused loop.", 0, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__fused(void)
{
    return PyModuleDef_Init(&definition);
}
