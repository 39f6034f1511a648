using Comet.AspNetCore.RabbitMQ.Diagnostics;
using Comet.AspNetCore.Stores;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;

namespace Comet.AspNetCore.RabbitMQ.Connections;

/// <summary>
/// The one connection of this server to the broker. It is made again whenever it is lost, and lasts until the host is disposed, so that
/// streams are served while they drain.
/// </summary>
internal sealed class RabbitMQConnection(IOptions<RabbitMQStoreOptions> options, ILogger<RabbitMQConnection> logger)
    : IHostedService, IAsyncDisposable
{
    /// <summary>The message of exceptions and of readiness while <see cref="IsBlocked"/>.</summary>
    internal const string BlockedMessage = "RabbitMQ accepts no messages: it is short of memory or disk space. Free some on the broker.";

    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stopping = new();
    private TaskCompletionSource<IConnection> _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource<string> _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _running = Task.CompletedTask;
    private volatile bool _isBlocked;

    /// <summary>Whether the connection is open.</summary>
    internal bool IsOpen => Connected.IsCompletedSuccessfully;

    /// <summary>Whether the broker has announced that it accepts no messages, which RabbitMQ calls blocked.</summary>
    internal bool IsBlocked => _isBlocked;

    /// <summary>The hosts and ports of all nodes, for messages.</summary>
    internal string Nodes { get; } =
        string.Join(", ", RabbitMQAddress.Read(options.Value).Nodes.Select(node => $"{node.HostName}:{node.Port}"));

    private Task<IConnection> Connected
    {
        get
        {
            lock (_lock)
            {
                return _connected.Task;
            }
        }
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _running = Task.Run(() => RunAsync(_stopping.Token), CancellationToken.None);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Waits for an open connection.</summary>
    internal Task<IConnection> WaitAsync(CancellationToken cancellationToken) => Connected.WaitAsync(cancellationToken);

    /// <summary>The open connection.</summary>
    /// <exception cref="FeedUnavailableException">No connection is open.</exception>
    internal IConnection Get() => Connected is { IsCompletedSuccessfully: true } connected ? connected.Result : throw NewUnreachable();

    /// <summary>Closes a connection that no longer works; the next one may lead to another node.</summary>
    internal void Abandon(IConnection connection, string reason)
    {
        lock (_lock)
        {
            if (_connected.Task.IsCompletedSuccessfully && _connected.Task.Result == connection)
            {
                _lost.TrySetResult(reason);
            }
        }
    }

    internal FeedUnavailableException NewUnreachable(Exception? cause = null)
    {
        var message = $"RabbitMQ ({Nodes}) cannot be reached. The log messages say why; the server connects again by itself.";
        return cause is null ? new(message) : new(message, cause);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running;
    }

    private async Task RunAsync(CancellationToken stopping)
    {
        var (factory, nodes) = RabbitMQAddress.Read(options.Value);
        var wasUnreachable = false;
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                var connection = await factory.CreateConnectionAsync(nodes, stopping).OrCloseAsync(stopping);
                await ServeAsync(connection, stopping);
                wasUnreachable = false;
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                // No failure is final: the broker may come back, and a wrong password may be corrected there.
                if (!wasUnreachable)
                {
                    RabbitMQLogMessages.Unreachable(logger, exception, Nodes);
                }
                wasUnreachable = true;
            }
            await RetryDelay.WaitAsync(stopping);
        }
    }

    private async Task ServeAsync(IConnection connection, CancellationToken stopping)
    {
        var lost = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        connection.ConnectionShutdownAsync += (_, reason) =>
        {
            lost.TrySetResult(reason.ReplyText);
            return Task.CompletedTask;
        };
        connection.ConnectionBlockedAsync += (_, blocked) =>
        {
            _isBlocked = true;
            RabbitMQLogMessages.Blocked(logger, blocked.Reason);
            return Task.CompletedTask;
        };
        connection.ConnectionUnblockedAsync += (_, _) =>
        {
            _isBlocked = false;
            RabbitMQLogMessages.Unblocked(logger);
            return Task.CompletedTask;
        };
        if (!connection.IsOpen)
        {
            lost.TrySetResult(connection.CloseReason?.ReplyText ?? "");
        }
        RabbitMQLogMessages.Connected(logger, $"{connection.Endpoint.HostName}:{connection.Endpoint.Port}");
        lock (_lock)
        {
            _lost = lost;
            _connected.SetResult(connection);
        }
        try
        {
            RabbitMQLogMessages.ConnectionLost(logger, await lost.Task.WaitAsync(stopping));
        }
        finally
        {
            lock (_lock)
            {
                _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }
            _isBlocked = false;
            await connection.DisposeWithTimeoutAsync();
        }
    }
}
