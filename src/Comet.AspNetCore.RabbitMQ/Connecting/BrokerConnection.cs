using Comet.AspNetCore.Stores;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;

namespace Comet.AspNetCore.RabbitMQ.Connecting;

/// <summary>
/// The one connection of this server to the broker, made again whenever it is lost. It lasts until the host is disposed of, so that
/// streams are served while they drain.
/// </summary>
internal sealed class BrokerConnection(IOptions<RabbitMQStoreOptions> options, ILogger<BrokerConnection> logger) : IHostedService, IAsyncDisposable
{
    /// <summary>What is wrong while <see cref="IsBlocked"/>.</summary>
    internal const string BlockedMessage = "RabbitMQ takes no messages: it is short of memory or of disk space.";

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stopping = new();
    private TaskCompletionSource<IConnection> _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource<string> _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _running = Task.CompletedTask;
    private volatile bool _isBlocked;

    /// <summary>Whether there is a connection now.</summary>
    internal bool IsOpen => Connected.IsCompletedSuccessfully;

    /// <summary>Whether the broker has said that it takes no messages for now.</summary>
    internal bool IsBlocked => _isBlocked;

    /// <summary>The nodes, for messages to people.</summary>
    internal string Nodes { get; } = string.Join(", ", BrokerAddress.Read(options.Value).Nodes.Select(node => $"{node.HostName}:{node.Port}"));

    private Task<IConnection> Connected
    {
        get
        {
            lock (_gate)
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

    /// <summary>The connection, as soon as there is one.</summary>
    internal Task<IConnection> WaitAsync(CancellationToken cancellationToken) => Connected.WaitAsync(cancellationToken);

    /// <summary>The connection now.</summary>
    /// <exception cref="FeedUnavailableException">There is none.</exception>
    internal IConnection Get() => Connected is { IsCompletedSuccessfully: true } connected ? connected.Result : throw Away();

    /// <summary>Gives up a connection that is of no use, and makes another one, maybe to another node.</summary>
    internal void Leave(IConnection connection, string reason)
    {
        lock (_gate)
        {
            if (_connected.Task.IsCompletedSuccessfully && _connected.Task.Result == connection)
            {
                _lost.TrySetResult(reason);
            }
        }
    }

    internal FeedUnavailableException Away(Exception? cause = null)
    {
        var message = $"RabbitMQ ({Nodes}) cannot be reached; see the log for the reason. The connection is made again as soon as that is possible.";
        return cause is null ? new(message) : new(message, cause);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running;
    }

    private async Task RunAsync(CancellationToken stopping)
    {
        var (factory, nodes) = BrokerAddress.Read(options.Value);
        var wasAway = false;
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                var connection = await factory.CreateConnectionAsync(nodes, stopping);
                await ServeAsync(connection, stopping);
                wasAway = false;
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                // Whatever it is, going on trying is all that can be done here.
                if (!wasAway)
                {
                    StoreLog.BrokerAway(logger, exception, Nodes);
                }
                wasAway = true;
            }
            await Pause.AfterFailureAsync(stopping);
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
            StoreLog.BrokerBlocked(logger, blocked.Reason);
            return Task.CompletedTask;
        };
        connection.ConnectionUnblockedAsync += (_, _) =>
        {
            _isBlocked = false;
            StoreLog.BrokerUnblocked(logger);
            return Task.CompletedTask;
        };
        if (!connection.IsOpen)
        {
            lost.TrySetResult(connection.CloseReason?.ReplyText ?? "");
        }
        StoreLog.BrokerConnected(logger, $"{connection.Endpoint.HostName}:{connection.Endpoint.Port}");
        lock (_gate)
        {
            _lost = lost;
            _connected.SetResult(connection);
        }
        try
        {
            StoreLog.BrokerLost(logger, await lost.Task.WaitAsync(stopping));
        }
        finally
        {
            lock (_gate)
            {
                _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }
            _isBlocked = false;
            await Farewell.SayAsync(connection);
        }
    }
}
