using Comet.AspNetCore.Results;
using Microsoft.Extensions.Logging.Abstractions;

namespace Comet.AspNetCore.Tests.Results;

/// <summary>A task that waits for a source, and is woken by others meanwhile.</summary>
public class SequenceSourceTests
{
    [Fact]
    public async Task Elements_come_one_by_one_however_often_the_task_is_woken()
    {
        const int Elements = 20_000;
        var source = new SequenceSource<int>(Numbers(), NullLogger.Instance);
        using var over = new CancellationTokenSource();
        var waker = new Thread(() =>
        {
            while (!over.IsCancellationRequested)
            {
                source.Wake();
                Thread.Sleep(0);
            }
        })
        {
            IsBackground = true,
        };
        waker.Start();

        var received = await Task.Run(ReceiveAsync).WithPatience();

        await over.CancelAsync();
        waker.Join();
        Assert.Equal(Enumerable.Range(0, Elements), received);

        async Task<List<int>> ReceiveAsync()
        {
            var received = new List<int>();
            while (await MoveAsync())
            {
                received.Add(source.Current);
            }
            await source.LeaveAsync();
            return received;
        }

        async Task<bool> MoveAsync()
        {
            source.MoveOn();
            while (!source.HasMoved)
            {
                await source.WaitAsync();
            }
            return source.EndMove();
        }

        static async IAsyncEnumerable<int> Numbers()
        {
            for (var i = 0; i < Elements; i++)
            {
                if (i % 3 > 0) // some are there at once
                {
                    await Task.Yield();
                }
                yield return i;
            }
        }
    }

    [Fact]
    public async Task A_call_that_comes_while_the_task_is_busy_ends_its_next_wait_and_no_other()
    {
        var source = new SequenceSource<int>(Never(), NullLogger.Instance);
        source.MoveOn();

        source.Wake();
        source.Wake();
        await source.WaitAsync().AsTask().WithPatience();
        var waiting = source.WaitAsync().AsTask();
        Assert.False(waiting.IsCompleted);
        source.Wake();

        await waiting.WithPatience();
        Assert.False(source.HasMoved);

        static async IAsyncEnumerable<int> Never()
        {
            await new TaskCompletionSource().Task;
            yield return 0;
        }
    }

    [Fact]
    public async Task Whoever_wakes_the_task_does_not_run_it()
    {
        var source = new SequenceSource<int>(AsyncEnumerable.Empty<int>(), NullLogger.Instance);
        using var over = new ManualResetEventSlim();
        var waiting = new TaskCompletionSource();
        var task = Task.Run(async () =>
        {
            var wait = source.WaitAsync();
            waiting.SetResult();
            await wait;
            return Environment.CurrentManagedThreadId;
        });
        await waiting.Task.WithPatience();

        var waker = new Thread(() =>
        {
            source.Wake();
            over.Wait();
        })
        {
            IsBackground = true,
        };
        waker.Start();
        var thread = await task.WithPatience();
        over.Set();
        waker.Join();

        Assert.NotEqual(waker.ManagedThreadId, thread);
    }
}
