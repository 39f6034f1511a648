using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Connections;

namespace Comet.AspNetCore.Tests.Transport;

/// <summary>The connection's output behaves as Kestrel's own, the portable one, to whatever else the app serves.</summary>
public class SocketPipeWriterTests
{
    private const int Large = 8_000_000; // more than the system keeps for a connection

    public static TheoryData<string> Wires => ["Direct", "Attached", "Portable"];

    [Theory, MemberData(nameof(Wires))]
    public Task A_flush_that_waits_can_be_cancelled_and_loses_nothing(string wire) => ServeAsync(wire, async (output, read) =>
    {
        Write(output, 'a', Large);
        var flushing = output.FlushAsync();
        Assert.False(flushing.IsCompleted);

        output.CancelPendingFlush();

        Assert.True((await flushing).IsCanceled);
        read();
        Write(output, 'b', 1);
        Assert.False((await output.FlushAsync()).IsCanceled);
        return new string('a', Large) + "b";
    });

    [Theory, MemberData(nameof(Wires))]
    public Task A_flush_whose_token_is_cancelled_loses_nothing(string wire) => ServeAsync(wire, async (output, read) =>
    {
        using var cancel = new CancellationTokenSource();
        Write(output, 'a', Large);
        var flushing = output.FlushAsync(cancel.Token);
        Assert.False(flushing.IsCompleted);

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => flushing.AsTask());
        read();
        Write(output, 'b', 1);
        await output.FlushAsync();
        return new string('a', Large) + "b";
    });

    [Theory, MemberData(nameof(Wires))]
    public Task Where_none_waits_the_next_flush_is_cancelled_and_sends_all_the_same(string wire) => ServeAsync(wire, async (output, read) =>
    {
        read();
        output.CancelPendingFlush();
        Write(output, 'a', 1);
        Assert.True((await output.FlushAsync()).IsCanceled);
        Write(output, 'b', 1);
        Assert.False((await output.FlushAsync()).IsCanceled);
        return "ab";
    });

    [Theory, MemberData(nameof(Wires))]
    public Task Cancelling_may_meet_the_end_of_a_flush(string wire) => ServeAsync(wire, async (output, read) =>
    {
        const int Flushes = 500;
        read();
        var hasEnded = false;
        var canceling = Task.Run(() =>
        {
            while (!Volatile.Read(ref hasEnded))
            {
                output.CancelPendingFlush();
                Thread.SpinWait(Random.Shared.Next(2000));
            }
        });
        for (var i = 0; i < Flushes; i++)
        {
            Write(output, 'a', 100_000);
            await output.FlushAsync();
        }
        Volatile.Write(ref hasEnded, true);
        await canceling;
        return new string('a', Flushes * 100_000);
    });

    /// <summary>Serves a client by a connection without HTTP, and asserts what it has received at the end.</summary>
    /// <param name="wire">What lies in between.</param>
    /// <param name="write">Writes to the client, which begins to read when the second argument is called. Returns all that it wrote.</param>
    private static async Task ServeAsync(string wire, Func<PipeWriter, Action, Task<string>> write)
    {
        var reading = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var writing = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var app = await TestApp.StartAsync(
            static _ => { },
            wire: Enum.Parse<Wire>(wire),
            connections: listen => listen.Run(async connection =>
            {
                try
                {
                    writing.SetResult(await write(connection.Transport.Output, () => reading.TrySetResult()));
                }
                catch (Exception exception)
                {
                    writing.SetException(exception);
                    reading.TrySetResult();
                }
            }));
        using var client = new TcpClient(app.Url.Host, app.Url.Port);
        await reading.Task.WithPatience();
        using var received = new MemoryStream();
        await client.GetStream().CopyToAsync(received).WithPatience();

        var written = await writing.Task;
        Assert.Equal(written.Length, received.Length);
        Assert.Equal(written, System.Text.Encoding.ASCII.GetString(received.GetBuffer(), 0, (int)received.Length));
    }

    private static void Write(PipeWriter output, char text, int count)
    {
        var bytes = new byte[count];
        bytes.AsSpan().Fill((byte)text);
        output.Write(bytes);
    }
}
