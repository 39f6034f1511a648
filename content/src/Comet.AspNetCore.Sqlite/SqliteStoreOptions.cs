using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.Sqlite;

/// <summary>Where the store's file is.</summary>
internal sealed class SqliteStoreOptions
{
    public string ConnectionString { get; set; } = "Data Source=comet.db";
}

internal sealed class SqliteStoreOptionsValidator : IValidateOptions<SqliteStoreOptions>
{
    private const string Wanted = "ConnectionStrings:Comet must name a file that can be written, as in Data Source=comet.db";

    public ValidateOptionsResult Validate(string? name, SqliteStoreOptions options)
    {
        try
        {
            var settings = new SqliteConnectionStringBuilder(options.ConnectionString);
            var isFile = settings.DataSource is not ("" or ":memory:") && !settings.DataSource.StartsWith("file:", StringComparison.Ordinal);
            return isFile && settings.Mode is (SqliteOpenMode.ReadWriteCreate or SqliteOpenMode.ReadWrite)
                ? ValidateOptionsResult.Success
                : ValidateOptionsResult.Fail($"{Wanted}.");
        }
        catch (ArgumentException exception)
        {
            return ValidateOptionsResult.Fail($"{Wanted}: {exception.Message}");
        }
    }
}
