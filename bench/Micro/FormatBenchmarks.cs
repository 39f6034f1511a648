using System.Text;
using BenchmarkDotNet.Attributes;
using Comet.AspNetCore.Formats;

namespace CometBench.Micro;

/// <summary>One message in each format, with its id, framed as a chunk; and what is left to do for each further connection.</summary>
[MemoryDiagnoser]
public class FormatBenchmarks
{
    private static readonly byte[] IdPrefix = "k3j5h2m1-"u8.ToArray();

    private readonly FrameBuffer _buffer = new();
    private readonly WireFormat _script = new ScriptFormat("parent.cometMessage"u8.ToArray());
    private readonly Nonce _nonce = Nonce.Create();
    private byte[] _value = [];

    [Params(100, 1_000, 10_000, 100_000)]
    public int Size { get; set; }

    [GlobalSetup]
    public void Fill() => _value = Encoding.ASCII.GetBytes($"\"{new string('x', Size - 2)}\"");

    [GlobalSetup(Target = nameof(ScriptOfAnotherConnection))]
    public void FillBuffer()
    {
        Fill();
        Script();
    }

    [GlobalCleanup]
    public void Dispose() => _buffer.Dispose();

    [Benchmark(Baseline = true)]
    public int Script() => Write(_script);

    [Benchmark]
    public int ServerSentEvents() => Write(ServerSentEventsFormat.Instance);

    [Benchmark]
    public int Ndjson() => Write(NdjsonFormat.Instance);

    [Benchmark]
    public int ScriptOfAnotherConnection()
    {
        _buffer.WriteNonce(_nonce);
        return _buffer.Chunk.Length;
    }

    private int Write(WireFormat format)
    {
        _buffer.Clear();
        format.WriteMessage(_buffer, _value, IdPrefix, 123_456);
        _buffer.WriteNonce(_nonce);
        return _buffer.Chunk.Length;
    }
}
