using System.Net;
using Comet.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;

namespace Comet.AspNetCore.Tests.Connections;

/// <summary>The places of streams by themselves, taken and given back by many threads.</summary>
public class LeaseTests
{
    private const int Max = 3;

    private readonly OpenStreams _open = new();

    [Theory]
    [InlineData(Max, null)]
    [InlineData(null, Max)]
    public async Task Many_threads_never_have_more_leases_than_the_limit_and_give_all_of_them_back(int? inAll, int? perAddress)
    {
        var limits = Limits(new CometOptions { MaxStreams = inAll, MaxStreamsPerAddress = perAddress });
        var leases = 0;
        var tooMany = 0;

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 20_000; i++)
            {
                limits.TryAcquire(From("192.0.2.1"), out var lease);
                if (lease is not null)
                {
                    if (Interlocked.Increment(ref leases) > Max)
                    {
                        Interlocked.Increment(ref tooMany);
                    }
                    Thread.SpinWait(i % 50);
                    Interlocked.Decrement(ref leases);
                    lease.Dispose();
                }
            }
        })));

        Assert.Equal(0, tooMany);
        Assert.Equal(0, _open.Count);
        for (var i = 0; i < Max; i++)
        {
            Assert.Null(limits.TryAcquire(From("192.0.2.1"), out _));
        }
        Assert.NotNull(limits.TryAcquire(From("192.0.2.1"), out _));
    }

    [Fact]
    public async Task A_rejected_stream_is_never_counted()
    {
        var limits = Limits(new CometOptions { MaxStreams = Max });
        for (var i = 0; i < Max; i++)
        {
            limits.TryAcquire(From("192.0.2.1"), out _);
        }

        using var end = new CancellationTokenSource();
        var rejecting = Task.Run(() =>
        {
            var context = From("192.0.2.1");
            while (!end.IsCancellationRequested)
            {
                Assert.NotNull(limits.TryAcquire(context, out _));
            }
        });

        var wrong = 0;
        for (var i = 0; i < 20_000_000; i++)
        {
            wrong += _open.Count == Max ? 0 : 1;
        }
        await end.CancelAsync();
        await rejecting;
        Assert.Equal(0, wrong);
    }

    [Fact]
    public void A_lease_that_is_disposed_twice_gives_back_one_place()
    {
        var limits = Limits(new CometOptions { MaxStreamsPerAddress = 2 });
        limits.TryAcquire(From("192.0.2.1"), out var first);
        limits.TryAcquire(From("192.0.2.1"), out _);

        first!.Dispose();
        first.Dispose();

        Assert.Equal(1, _open.Count);
        Assert.Null(limits.TryAcquire(From("192.0.2.1"), out _));
        Assert.NotNull(limits.TryAcquire(From("192.0.2.1"), out _));
    }

    private ConnectionLimits Limits(CometOptions options)
    {
        var wrapped = Microsoft.Extensions.Options.Options.Create(options);
        return new ConnectionLimits(wrapped, _open, new ReconnectDelay(wrapped));
    }

    private static DefaultHttpContext From(string address) => new() { Connection = { RemoteIpAddress = IPAddress.Parse(address) } };
}
