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
    private string _message = "";
    private long _offset;
    private long _written;

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

        var services = _app.Services.GetRequiredService<ConnectionServices>();
        var limits = _app.Services.GetRequiredService<ConnectionLimits>();
        var options = new FeedOptions { Retain = 1000, RetainBytes = long.MaxValue, RetainFor = TimeSpan.FromDays(1) };
        var lane = new Lane(services);
        var feed = new FeedCore(
            new FeedName("bench"), options, new MemoryStore(TimeProvider.System), new KeptPages(), services, new Lanes(services));
        _tail = feed.Tail;
        _tail.Reset("epoch", 0);
        for (var i = 0; i < Connections; i++)
        {
            limits.TryAcquire(new DefaultHttpContext(), out var lease); // fewer than any limit
            feed.TryAcquire();
            var settings = Settings(lease!);
            var subscriber =
                new Subscriber(settings, services.Clock.Now, new FeedSet([feed], "bench", areNamed: false)) { Place = [_tail.State.End] };
            _ = subscriber.Follow(lane, settings.Writer);
        }
        await Task.Delay(TimeSpan.FromSeconds(1)); // joining woke the lane; from here on messages do
        for (var i = 0; i < 2000; i++)
        {
            await _feed.PublishAsync(_message);
            WriteToAll();
        }
    }

    [GlobalCleanup]
    public async Task StopAsync() => await _app.DisposeAsync();

    [Benchmark(Baseline = true)]
    public byte[] SharedBuffer() => new byte[Size + 2];

    [Benchmark]
    public ValueTask<FeedPosition> Publish() => _feed.PublishAsync(_message);

    [Benchmark]
    public void WriteToAll()
    {
        var written = Volatile.Read(ref _written) + Connections;
        _tail.Append([new FeedEntry(++_offset, _payload, DateTimeOffset.UtcNow)]);
        SpinWait.SpinUntil(() => Volatile.Read(ref _written) == written);
    }

    private ConnectionSettings Settings(ConnectionLease lease) => new()
    {
        Lease = lease,
        Writer = new NullWriter(this),
        Format = new ScriptFormat("parent.cometMessage"u8.ToArray()),
        Nonce = Nonce.Create(),
        Server = new CometOptions { Heartbeat = TimeSpan.FromDays(1) },
    };

    private sealed class NullWriter(PublishBenchmarks benchmark) : HttpResponseWriter(new DefaultHttpContext())
    {
        internal override ValueTask<bool> WriteAsync(FrameBuffer buffer)
        {
            benchmark._written++;
            return new(buffer.Chunk.Length > 0);
        }
    }
}
