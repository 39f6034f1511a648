using BenchmarkDotNet.Attributes;
using Comet.AspNetCore;
using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Feeds;
using Comet.AspNetCore.Formats;
using Comet.AspNetCore.Stores;
using Comet.AspNetCore.Transport;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace CometBench.Micro;

/// <summary>
/// Publishing to a feed that has all it retains, and writing what was published to its connections. The one buffer that all connections
/// share is the baseline: nothing else may be allocated for a message.
/// </summary>
[MemoryDiagnoser]
public class PublishBenchmarks
{
    private const int Connections = 100;

    private byte[] _payload = [];
    private WebApplication _app = null!;
    private Feed<string> _feed = null!;
    private FeedTail _tail = null!;
    private FanOut _fanOut = null!;
    private string _message = "";
    private long _offset;

    [Params(100, 10_000, 100_000)]
    public int Size { get; set; }

    [GlobalSetup]
    public async Task StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddComet();
        builder.Services.AddFeed<string>("bench");
        _app = builder.Build();
        _message = new string('x', Size);
        _payload = new byte[Size + 2]; // with the quotes
        _feed = _app.Services.GetRequiredService<Feed<string>>();

        var retention = new FeedRetention(1000, long.MaxValue, TimeSpan.FromDays(1));
        var services = _app.Services.GetRequiredService<ConnectionServices>();
        var limits = _app.Services.GetRequiredService<ConnectionLimits>();
        _tail = new FeedTail(retention, TimeProvider.System); // its changes wake nobody: the benchmark runs the passes
        _tail.Reset("epoch", 0);
        _fanOut = new FanOut("bench", _tail, SlowClientPolicy.End, services, static () => { }, TimeProvider.System);
        for (var i = 0; i < Connections; i++)
        {
            limits.TryAcquire(new DefaultHttpContext(), out var lease); // fewer than any limit
            new Subscriber(Settings(lease!), services.Clock.Now, _fanOut) { Cursor = _tail.State.End }.Follow();
        }
        await Task.Delay(TimeSpan.FromSeconds(1)); // joining woke the pool; from here on nothing does
        for (var i = 0; i < 2000; i++)
        {
            await _feed.PublishAsync(_message);
            WriteToAll();
        }
    }

    [GlobalCleanup]
    public async Task StopAsync()
    {
        _fanOut.Dispose();
        await _app.DisposeAsync();
    }

    [Benchmark(Baseline = true)]
    public byte[] SharedBuffer() => new byte[Size + 2];

    [Benchmark]
    public ValueTask<FeedPosition> Publish() => _feed.PublishAsync(_message);

    [Benchmark]
    public void WriteToAll()
    {
        _tail.Append([new FeedEntry(++_offset, _payload, DateTimeOffset.UtcNow)]);
        _fanOut.Execute();
    }

    private static ConnectionSettings Settings(ConnectionLease lease) => new()
    {
        Lease = lease,
        Writer = new NullWriter(),
        Format = new ScriptFormat("parent.cometMessage"u8.ToArray()),
        Nonce = Nonce.Create(),
        Server = new CometOptions { Heartbeat = TimeSpan.FromDays(1) },
    };

    private sealed class NullWriter() : ResponseWriter(new DefaultHttpContext())
    {
        internal override ValueTask<bool> WriteAsync(FrameBuffer buffer) => new(buffer.Chunk.Length > 0);
    }
}
