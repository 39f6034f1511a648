using Comet.TestUtilities.Conformance;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;

namespace Comet.AspNetCore.Sqlite.Tests;

public sealed class SqliteStoreTests : DurableStoreTests, IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("comet-");

    public void Dispose() => _directory.Delete(recursive: true);

    protected override void AddStore(WebApplicationBuilder builder)
    {
        builder.Configuration.AddInMemoryCollection([new("ConnectionStrings:Comet", $"Data Source={_directory.FullName}/comet.db")]);
        builder.Services.AddCometSqlite();
    }
}
