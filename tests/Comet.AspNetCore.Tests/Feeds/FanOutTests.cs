using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Diagnostics;
using Comet.AspNetCore.Feeds;
using Comet.AspNetCore.Formats;
using Comet.AspNetCore.Stores;
using Comet.AspNetCore.Tests.Hosting;
using Comet.AspNetCore.Transport;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.Tests.Feeds;

/// <summary>The loop by itself, over outlets in memory and a clock of the test's own.</summary>
public sealed class FanOutTests : IDisposable
{
    private static readonly TimeSpan Milliseconds3 = TimeSpan.FromMilliseconds(3);
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(1);

    private readonly ManualTime _time = new();
    private readonly OpenStreams _open = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().AddSingleton<CometMetrics>().BuildServiceProvider();
    private readonly ConnectionLifetime _lifetime;
    private readonly FeedTail _tail;
    private readonly FanOut _fanOut;
    private readonly List<Subscriber> _joined = [];

    public FanOutTests()
    {
        var options = Microsoft.Extensions.Options.Options.Create(new CometOptions());
        _lifetime = new ConnectionLifetime(options, _open, new ApplicationLifetime(NullLogger<ApplicationLifetime>.Instance), _time);
        _tail = new FeedTail(new FeedRetention(100, 1_000_000, TimeSpan.FromHours(1)), _time);
        var metrics = _services.GetRequiredService<CometMetrics>();
        _fanOut = new FanOut("news", _tail, SlowClientPolicy.End, options.Value.WriteTimeout, _lifetime, metrics, release: static () => { }, load: _time);
        _tail.Changed = _fanOut.Wake;
        _tail.Reset("epoch", head: 0);
    }

    [Fact]
    public async Task Messages_that_come_during_a_pass_wait_as_long_as_it_took_and_leave_together()
    {
        var (_, outlet) = Join();
        outlet.OnWrite = () =>
        {
            outlet.OnWrite = static () => { };
            _time.Advance(Milliseconds3);
            Append(2);
        };

        Append(1);
        await Eventually.HoldsAsync(() => _time.NextDue == _time.GetUtcNow() + Milliseconds3, "a pause as long as the pass");
        Append(3);
        Assert.Single(outlet.Writes);
        _time.Advance(Milliseconds3);
        await Eventually.HoldsAsync(() => outlet.Writes.Count > 1, "the write after the pause");

        Assert.Equal(["1"], Values(outlet.Writes[0]));
        Assert.Equal(["2", "3"], Values(outlet.Writes[1]));
    }

    [Fact]
    public async Task A_backlog_leaves_piece_by_piece_and_whoever_keeps_up_is_served_in_between()
    {
        const int Backlog = 10;
        var order = new ConcurrentQueue<string>();
        var news = Backlog;
        var (_, fast) = Join(onWrite: () => order.Enqueue("fast"));
        for (var number = 1; number <= Backlog; number++)
        {
            Append(number, padding: 20_000); // two are more than one piece
        }
        await Eventually.HoldsAsync(() => Last(fast) == Backlog, "the one that keeps up has the backlog");
        order.Clear();

        var (_, slow) = Join(_tail.State.Start, () =>
        {
            order.Enqueue("slow");
            if (news < Backlog + 3)
            {
                Append(++news); // during the pass, so for the next
            }
        });

        await Eventually.HoldsAsync(() => Last(slow) == news && Last(fast) == news, "both have everything");

        Assert.Equal(Enumerable.Range(1, news), slow.Writes.SelectMany(Values).Select(int.Parse));
        Assert.Equal(Enumerable.Range(1, news), fast.Writes.SelectMany(Values).Select(int.Parse));
        Assert.All(slow.Writes, piece => Assert.InRange(piece.Length, 1, 64_000));
        Assert.Equal(["slow", "slow", "fast"], order.Take(3)); // what came with the first piece, before the third

        static int Last(RecordingOutlet outlet) => outlet.Writes.SelectMany(Values).Select(int.Parse).LastOrDefault();
    }

    [Fact]
    public void The_heart_beats_for_one_that_comes_just_when_the_last_leaves()
    {
        var (last, _) = Join();
        for (var i = 0; i < 2_000; i++)
        {
            _fanOut.Leave(last);
            Thread.SpinWait(i % 200 * 50);
            var (next, outlet) = Join();
            Assert.True(HappensInTime(() => last.Completion.IsCompleted));
            Assert.True(HappensInTime(() => outlet.Writes.Count > 0), $"No heartbeat for connection {i}");
            last = next;
        }
    }

    [Fact]
    public async Task A_pass_after_the_feed_was_closed_does_no_harm()
    {
        var (_, outlet) = Join();
        Append(1);
        await Eventually.HoldsAsync(() => outlet.Writes.Count == 1, "the connection is under way");

        _fanOut.Dispose();
        _lifetime.Remove(_fanOut); // so that the pass is on this thread, which sees it fail
        _time.Advance(Heartbeat);
        _fanOut.OnHeartbeat();
        _fanOut.Execute();
    }

    private bool HappensInTime(Func<bool> condition) => SpinWait.SpinUntil(
        () =>
        {
            _time.Advance(Heartbeat);
            return condition();
        },
        Eventually.Patience);

    public void Dispose()
    {
        _joined.ForEach(_fanOut.Leave);
        SpinWait.SpinUntil(() => _joined.TrueForAll(subscriber => subscriber.Completion.IsCompleted), Eventually.Patience);
        _fanOut.Dispose();
        _lifetime.Dispose();
        _services.Dispose();
    }

    private static IEnumerable<string> Values(string lines) =>
        lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("data").ToString());

    private void Append(int number, int padding = 0) =>
        _tail.Append([new FeedEntry(number, Encoding.ASCII.GetBytes($"{number}".PadRight(padding)), _time.GetUtcNow())]);

    private (Subscriber, RecordingOutlet) Join(TailCursor? cursor = null, Action? onWrite = null)
    {
        var outlet = new RecordingOutlet { OnWrite = onWrite ?? (static () => { }) };
        var opening = new ConnectionSettings
        {
            Permit = new ConnectionLease(_open, ofAddress: null, ofUser: null),
            ResponseWriter = outlet,
            Format = NdjsonFormat.Instance,
            Nonce = Nonce.Create(),
            Server = new CometOptions { Heartbeat = Heartbeat },
        };
        var subscriber = new Subscriber(opening, _lifetime.Clock.Now, _fanOut) { Cursor = cursor ?? _tail.State.End };
        _joined.Add(subscriber);
        subscriber.Follow();
        return (subscriber, outlet);
    }

    private sealed class RecordingOutlet() : ResponseWriter(new DefaultHttpContext())
    {
        private readonly List<string> _writes = [];

        internal Action OnWrite { get; set; } = static () => { };

        internal IReadOnlyList<string> Writes
        {
            get
            {
                lock (_writes)
                {
                    return [.. _writes];
                }
            }
        }

        internal override bool HasProgressed() => false;

        internal override ValueTask<bool> WriteAsync(FrameBuffer block)
        {
            lock (_writes)
            {
                _writes.Add(Encoding.UTF8.GetString(block.Content));
            }
            OnWrite();
            return new(true);
        }
    }
}
