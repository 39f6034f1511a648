namespace Comet.AspNetCore.Connections;

/// <summary>Something with open streams, which looks after their deadlines whenever it is ticked.</summary>
internal interface IHeartbeatHandler
{
    void OnHeartbeat();
}
