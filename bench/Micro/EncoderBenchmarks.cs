using System.Text;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using Comet.AspNetCore.Formats;

namespace CometBench.Micro;

/// <summary>A value to JSON that is safe inside a script element.</summary>
[MemoryDiagnoser]
public class EncoderBenchmarks
{
    private readonly FrameBuffer _buffer = new();
    private string _plain = "";
    private string _hostile = "";
    private string _foreign = "";
    private Reading _value = new(0, 0, "");

    [Params(100, 1_000, 10_000, 100_000)]
    public int Size { get; set; }

    [GlobalSetup]
    public void Fill()
    {
        _plain = Repeat("The quick brown fox jumps. ");
        _hostile = Repeat("<b onclick='x'>&</b>\n\"\u2028");
        _foreign = Repeat("Zwölf Boxkämpfer; イロハニ ");
        _value = new Reading(42, 12.5, Repeat("a note about it. ")[..(Size / 2)]);
    }

    [GlobalCleanup]
    public void Dispose() => _buffer.Dispose();

    [Benchmark(Baseline = true)]
    public int Plain() => Encode(_plain);

    [Benchmark]
    public int MarkupAndQuotes() => Encode(_hostile);

    [Benchmark]
    public int NotAscii() => Encode(_foreign);

    [Benchmark]
    public int Record()
    {
        _buffer.Clear();
        SafeJson.Write(_value, JsonSerializerOptions.Web, _buffer);
        return _buffer.Length;
    }

    private int Encode(string value)
    {
        _buffer.Clear();
        SafeJson.Write(value, _buffer);
        return _buffer.Length;
    }

    // As many bytes of UTF-8 as the size says, or a few less.
    private string Repeat(string text) =>
        new StringBuilder().Insert(0, text, Math.Max(1, Size / Encoding.UTF8.GetByteCount(text)) + 1).ToString()[..CharactersFor(text)];

    private int CharactersFor(string text) => (int)((double)Size * text.Length / Encoding.UTF8.GetByteCount(text));

    private sealed record Reading(int Id, double Level, string Note);
}
